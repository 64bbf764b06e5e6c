// Whatever is lost between us and the provider is found again: by the job, or by the retry of the same key; never charged twice.
import { randomUUID } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { key, startTestApp, type Person, type TestApp } from '../../../tests/support/app.ts';
import type { Authorization } from '../provider.ts';
import { TestProviderSender } from '../providers/test-provider.sender.ts';
import {
  actorOf,
  anotherProcess,
  chargesOf,
  factsOf,
  hold,
  passTime,
  pay,
  payKey,
  paymentsOf,
  placeOrder,
  readOrder,
  readPayment,
  tellEvent,
  TOTAL,
} from './story.ts';

let app: TestApp;
let anna: Person;

beforeAll(async () => {
  app = await startTestApp();
  anna = await app.signIn();
});
afterEach(() => {
  vi.restoreAllMocks();
});
afterAll(() => app.close());

const reconcile = () => app.runJob('payments.reconcile');

/** The event that tells it is lost: whoever learns of it has asked. */
async function decideUnheard(paymentId: string, decision: 'approve' | 'decline'): Promise<void> {
  vi.spyOn(TestProviderSender.prototype, 'send').mockResolvedValueOnce();
  await app.modules.payments.provider.decide(paymentId, decision);
}

describe('the job', () => {
  it('finds the charge of a call that never answered, but not before its time', async () => {
    const other = anotherProcess(app);
    const orderId = await placeOrder(app, anna);
    const input = { token: 'tok_timeout', capture: true };
    const { result } = await other.service.pay(
      actorOf(anna),
      orderId,
      input,
      payKey(anna, orderId, input, randomUUID()),
    );
    await reconcile();
    expect((await readPayment(app, anna, result.id)).status).toBe('processing');
    await passTime(app, result.id, 16);
    await reconcile();
    expect((await readPayment(app, anna, result.id)).status).toBe('captured');
    expect(await readOrder(app, orderId)).toEqual({ status: 'confirmed', paymentStatus: 'paid' });
    expect(await chargesOf(app, orderId)).toHaveLength(1);
    await other.close();
  });

  it('gives up what never reached the provider after two minutes, and the order can be paid again', async () => {
    const orderId = await placeOrder(app, anna);
    vi.spyOn(app.modules.payments.provider, 'authorize').mockRejectedValueOnce(new Error('no line'));
    const { body } = await pay(app, anna, orderId, { token: 'tok_ok' }).expect(202);
    const { id } = body.data;
    await passTime(app, id, 100);
    await reconcile();
    expect((await readPayment(app, anna, id)).status).toBe('processing');
    await passTime(app, id, 30);
    await reconcile();
    expect((await readPayment(app, anna, id)).status).toBe('declined');
    expect(await readOrder(app, orderId)).toEqual({ status: 'pending_payment', paymentStatus: 'unpaid' });
    await pay(app, anna, orderId, { token: 'tok_ok' }).expect(201);
    expect(await chargesOf(app, orderId)).toHaveLength(1);
  });

  it('gives up nothing while the provider does not answer', async () => {
    const orderId = await placeOrder(app, anna);
    const { provider } = app.modules.payments;
    vi.spyOn(provider, 'authorize').mockRejectedValueOnce(new Error('no line'));
    const { body } = await pay(app, anna, orderId, { token: 'tok_ok' }).expect(202);
    const asked = vi.spyOn(provider, 'fetch').mockRejectedValue(new Error('no line'));
    await passTime(app, body.data.id, 3600);
    await reconcile();
    expect(asked).toHaveBeenCalledTimes(1);
    expect((await readPayment(app, anna, body.data.id)).status).toBe('processing');
    await reconcile();
    expect(asked).toHaveBeenCalledTimes(1);
  });

  it('asks less and less often', async () => {
    const orderId = await placeOrder(app, anna);
    const { body } = await pay(app, anna, orderId, { token: 'tok_requires_action' }).expect(202);
    const waits: number[] = [];
    for (let look = 1; look <= 4; look++) {
      await passTime(app, body.data.id, 3600);
      await reconcile();
      const [row] = await app.sql<{ wait: number }>(
        'SELECT round(extract(epoch FROM check_at - now()))::int AS wait FROM payments.payments WHERE id = $1',
        [body.data.id],
      );
      waits.push(row?.wait ?? 0);
    }
    expect(waits).toEqual([15, 30, 60, 120]);
  });

  it('shares the work with other processes', async () => {
    const other = anotherProcess(app);
    const ids: string[] = [];
    for (let i = 0; i < 12; i++) {
      const { body } = await pay(app, anna, await placeOrder(app, anna), { token: 'tok_requires_action' }).expect(202);
      ids.push(String(body.data.id));
    }
    const spies = [app.modules.payments.provider, other.provider].map((provider) => vi.spyOn(provider, 'fetch'));
    for (const id of ids) await passTime(app, id, 60);
    const otherJob = other.jobs.find(({ name }) => name === 'payments.reconcile');
    await Promise.all([reconcile(), otherJob?.run()]);
    const asked = spies.flatMap(({ mock }) => mock.calls.map(([id]) => id)).filter((id) => ids.includes(id));
    expect(asked.toSorted()).toEqual(ids.toSorted());
    await other.close();
  });

  it('passes by what another process is at', async () => {
    const [held, free] = await Promise.all(
      [1, 2].map(async () => {
        const { body } = await pay(app, anna, await placeOrder(app, anna), { token: 'tok_requires_action' }).expect(
          202,
        );
        await passTime(app, body.data.id, 60);
        return String(body.data.id);
      }),
    );
    const row = await hold(app, 'SELECT id FROM payments.payments WHERE id = $1 FOR UPDATE', [held]);
    const asked = vi.spyOn(app.modules.payments.provider, 'fetch');
    await reconcile();
    expect(asked.mock.calls.map(([id]) => id)).toContain(free);
    expect(asked.mock.calls.map(([id]) => id)).not.toContain(held);
    await row.letGo();
    await reconcile();
    expect(asked.mock.calls.map(([id]) => id)).toContain(held);
  });

  it('goes on with what a process that died had taken', async () => {
    const orderId = await placeOrder(app, anna);
    const { body } = await pay(app, anna, orderId, { token: 'tok_requires_action' }).expect(202);
    const { id } = body.data;
    await decideUnheard(id, 'approve');
    await app.sql(
      `UPDATE payments.payments SET looks = looks + 1, check_at = now() + interval '30 s' WHERE id = $1 AND check_at IS NOT NULL`,
      [id],
    );
    await passTime(app, id, 31);
    await reconcile();
    expect((await readPayment(app, anna, id)).status).toBe('captured');
  });

  it('does not let one faulty payment keep the others waiting', async () => {
    const first = await pay(app, anna, await placeOrder(app, anna), { token: 'tok_requires_action' }).expect(202);
    const second = await pay(app, anna, await placeOrder(app, anna), { token: 'tok_requires_action' }).expect(202);
    const [faulty, sound] = [first, second].map(({ body }) => String(body.data.id));
    const { provider } = app.modules.payments;
    const fetchCharge = provider.fetch.bind(provider);
    let held: Awaited<ReturnType<typeof hold>> | undefined;
    vi.spyOn(provider, 'fetch').mockImplementation(async (id) => {
      if (id === faulty) held = await hold(app, 'SELECT id FROM payments.payments WHERE id = $1 FOR UPDATE', [id]);
      return fetchCharge(id);
    });
    for (const id of [faulty, sound]) {
      await decideUnheard(id ?? '', 'decline');
      await app.sql(`UPDATE payments.payments SET check_at = now() WHERE id = $1`, [id]);
    }
    await reconcile();
    await held?.letGo();
    expect((await readPayment(app, anna, sound ?? '')).status).toBe('declined');
  });

  it('forgets events that nobody repeats any more, however many a busy shop has heard', async () => {
    await app.sql(
      `INSERT INTO payments.provider_events (provider, event_id, received_at)
       SELECT 'test', 'old ' || i, now() - interval '91 days' FROM generate_series(1, 2500) AS i UNION ALL SELECT 'test', 'new', now()`,
    );
    await app.runJob('payments.purge-events');
    expect(await app.sql(`SELECT event_id FROM payments.provider_events WHERE event_id ~ '^(old|new)'`)).toEqual([
      { event_id: 'new' },
    ]);
  });
});

/** The process dies after the provider was asked: what should follow is never committed. */
async function crashWhileCharging(
  orderId: string,
  token: string,
  same: string,
  { reached }: { reached: boolean },
): Promise<Authorization> {
  const { provider } = app.modules.payments;
  const authorize = provider.authorize.bind(provider);
  let asked: Authorization | undefined;
  let held: Awaited<ReturnType<typeof hold>> | undefined;
  vi.spyOn(provider, 'authorize').mockImplementationOnce(async (authorization, signal) => {
    asked = authorization;
    if (reached) await authorize(authorization, signal);
    // Longer than lock_timeout (1 s): the last transaction fails, as if it had never begun.
    held = await hold(app, 'SELECT id FROM payments.payments WHERE id = $1 FOR UPDATE', [authorization.paymentId]);
    throw new Error('killed');
  });
  await pay(app, anna, orderId, { token }, key(same)).expect(503);
  await held?.letGo();
  if (asked === undefined) throw new Error('the provider was not asked');
  return asked;
}

const endLease = (same: string) =>
  app.sql(`UPDATE idempotency.keys SET leased_until = now() - interval '1 s' WHERE key = $1`, [same]);

describe('a retry after a crash', () => {
  it.each([true, false])('goes on with the same payment (the provider was reached: %s)', async (reached) => {
    const orderId = await placeOrder(app, anna);
    const same = randomUUID();
    const { paymentId } = await crashWhileCharging(orderId, 'tok_ok', same, { reached });
    expect((await readPayment(app, anna, paymentId)).status).toBe('processing');
    const early = await pay(app, anna, orderId, { token: 'tok_ok' }, key(same)).expect(409);
    expect([early.body.code, early.headers['retry-after']]).toEqual(['idempotency_in_progress', '1']);
    await endLease(same);
    const { body } = await pay(app, anna, orderId, { token: 'tok_ok' }, key(same)).expect(201);
    expect(body.data).toMatchObject({ id: paymentId, status: 'captured' });
    expect(await chargesOf(app, orderId)).toEqual([{ status: 'captured', captured: TOTAL.amount, refunded: 0 }]);
    expect(await paymentsOf(app, anna, orderId)).toHaveLength(1);
    expect(await factsOf(app, orderId)).toEqual(['payment.captured']);
    const again = await pay(app, anna, orderId, { token: 'tok_ok' }, key(same)).expect(201);
    expect(again.body).toEqual(body);
  });

  it.each<[string, boolean, number]>([
    ['tok_ok', true, 201],
    ['tok_declined', true, 402],
    ['tok_ok', false, 402],
  ])('answers as the job has settled it: %s, reached %s: %i', async (token, reached, status) => {
    const orderId = await placeOrder(app, anna);
    const same = randomUUID();
    const { paymentId } = await crashWhileCharging(orderId, token, same, { reached });
    await passTime(app, paymentId, 300);
    await reconcile();
    await endLease(same);
    vi.restoreAllMocks();
    const asked = vi.spyOn(app.modules.payments.provider, 'authorize');
    const { body } = await pay(app, anna, orderId, { token }, key(same)).expect(status);
    expect(body.data?.id ?? body.paymentId).toBe(paymentId);
    expect(asked).not.toHaveBeenCalled();
    expect(await chargesOf(app, orderId)).toHaveLength(reached ? 1 : 0);
  });

  it('may come to another process, and both tell the same when the first was only slow', async () => {
    const other = anotherProcess(app);
    const orderId = await placeOrder(app, anna);
    const input = { token: 'tok_requires_action', capture: true };
    const same = randomUUID();
    const { provider } = app.modules.payments;
    const authorize = provider.authorize.bind(provider);
    let elsewhere: unknown;
    vi.spyOn(provider, 'authorize').mockImplementationOnce(async (authorization, deadline) => {
      await authorize(authorization, deadline);
      await endLease(same);
      elsewhere = await other.service.pay(actorOf(anna), orderId, input, payKey(anna, orderId, input, same));
      // The customer approves: by now the payment would be answered otherwise.
      await tellEvent(app, { paymentId: authorization.paymentId, status: 'captured', captured: TOTAL.amount }).expect(
        204,
      );
      return { state: 'processing' };
    });
    const { body, headers } = await pay(app, anna, orderId, input, key(same)).expect(202);
    expect(body.data.status).toBe('requires_action');
    expect(elsewhere).toEqual({ result: body.data, replayed: false });
    expect(headers['idempotency-replayed']).toBe('true');
    expect((await readPayment(app, anna, body.data.id)).status).toBe('captured');
    expect(await chargesOf(app, orderId)).toHaveLength(1);
    await other.close();
  });

  it('is not given up by the job while it is at it', async () => {
    const orderId = await placeOrder(app, anna);
    const same = randomUUID();
    const { paymentId } = await crashWhileCharging(orderId, 'tok_ok', same, { reached: false });
    await passTime(app, paymentId, 300);
    await endLease(same);
    const { provider } = app.modules.payments;
    const [fetchCharge, authorize] = [provider.fetch.bind(provider), provider.authorize.bind(provider)];
    const [isCharging, mayCharge] = [signal(), signal()];
    vi.spyOn(provider, 'authorize').mockImplementationOnce(async (authorization, deadline) => {
      isCharging.give();
      await mayCharge.given;
      return authorize(authorization, deadline);
    });
    let retry: Promise<{ status: number }> | undefined;
    // The job asks, and hears that there is none; before it decides, the customer's retry begins to charge.
    vi.spyOn(provider, 'fetch').mockImplementation(async (id) => {
      const state = await fetchCharge(id);
      if (id !== paymentId || retry !== undefined) return state;
      retry = pay(app, anna, orderId, { token: 'tok_ok' }, key(same)).then((answer) => answer);
      await isCharging.given;
      return state;
    });
    await reconcile();
    mayCharge.give();
    expect((await retry)?.status).toBe(201);
    expect(await chargesOf(app, orderId)).toEqual([{ status: 'captured', captured: TOTAL.amount, refunded: 0 }]);
  });
});

function signal(): { given: Promise<void>; give: () => void } {
  const emitter = new EventEmitter();
  return { given: once(emitter, 'given').then(() => undefined), give: () => void emitter.emit('given') };
}
