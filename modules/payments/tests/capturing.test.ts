// What was only authorised is captured: when finance says so, or by itself once the order was sent; once, and also when the provider is silent.
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { key, startTestApp, type Person, type TestApp } from '../../../tests/support/app.ts';
import {
  cancelOrder,
  chargesOf,
  entriesOf,
  factsOf,
  hold,
  passTime,
  pay,
  placeOrder,
  readOrder,
  readPayment,
  tellEvent,
  TOTAL,
  untilWaiting,
} from './story.ts';

let app: TestApp;
let anna: Person;
let finance: Person;

beforeAll(async () => {
  app = await startTestApp();
  [anna, finance] = await Promise.all([app.signIn(), app.signIn({ role: 'finance' })]);
});
afterEach(() => {
  vi.restoreAllMocks();
});
afterAll(() => app.close());

const step = (name: 'capture' | 'void', paymentId: string, header = key(), person = finance) =>
  app.api.post(`/api/v1/payments/${paymentId}/${name}`).set(person.auth).set(header);

async function authorized(token = 'tok_ok', capture = false): Promise<{ orderId: string; paymentId: string }> {
  const orderId = await placeOrder(app, anna);
  const { body } = await pay(app, anna, orderId, { token, capture });
  return { orderId, paymentId: String(body.data?.id ?? body.paymentId) };
}

const captured = [{ status: 'captured', captured: TOTAL.amount, refunded: 0 }];
const silently = () => vi.spyOn(app.modules.payments.provider, 'capture').mockRejectedValueOnce(new Error('no line'));
const runJobLater = async (paymentId: string) => {
  await passTime(app, paymentId, 60);
  await app.runJob('payments.reconcile');
};

describe('capturing', () => {
  it('takes the money, once', async () => {
    const { orderId, paymentId } = await authorized();
    const { body, headers } = await step('capture', paymentId).expect(200);
    expect(body.data).toMatchObject({ id: paymentId, status: 'captured', capturedAmount: TOTAL });
    expect(headers['etag']).toBe(`"${body.data.version}"`);
    expect(await chargesOf(app, orderId)).toEqual(captured);
    expect(await readOrder(app, orderId)).toEqual({ status: 'confirmed', paymentStatus: 'paid' });
    expect(await factsOf(app, orderId)).toEqual(['payment.authorized', 'payment.captured']);
  });

  it('answers the same key the same', async () => {
    const { paymentId } = await authorized();
    const same = key();
    const twins = await Promise.all([
      step('capture', paymentId, same).expect(200),
      step('capture', paymentId, same).expect(200),
    ]);
    const again = await step('capture', paymentId, same).send({}).expect(200);
    expect(twins.map(({ body }) => body)).toEqual([again.body, again.body]);
    expect(again.headers['idempotency-replayed']).toBe('true');
  });

  it.each([
    ['tok_ok', true, 'captured'],
    ['tok_requires_action', false, 'requires_action'],
    ['tok_declined', false, 'declined'],
  ])('is refused otherwise: %s, capture %s', async (token, capture, status) => {
    const { paymentId } = await authorized(token, capture);
    const { body } = await step('capture', paymentId).expect(409);
    expect(body).toMatchObject({ code: 'payment_status_forbidden', allowed: ['authorized'] });
    expect((await readPayment(app, anna, paymentId)).status).toBe(status);
  });

  it('is refused while the money goes back', async () => {
    const { orderId, paymentId } = await authorized();
    vi.spyOn(app.modules.payments.provider, 'void').mockRejectedValueOnce(new Error('no line'));
    await cancelOrder(app, anna, orderId).expect(200);
    await app.dispatch();
    expect((await step('capture', paymentId).expect(409)).body.code).toBe('payment_status_forbidden');
    await runJobLater(paymentId);
    expect((await readPayment(app, anna, paymentId)).status).toBe('voided');
  });

  it('is for staff that may', async () => {
    const { paymentId } = await authorized();
    await step('capture', paymentId, key(), anna).expect(403);
    await step('capture', paymentId, key(), await app.signIn({ role: 'support' })).expect(403);
    const missing = '01939d3a-7c1e-7b1a-8f00-000000000001';
    expect((await step('capture', missing).expect(404)).body.code).toBe('payment_not_found');
  });

  it('of twins with two keys is done by one, held until both wait', async () => {
    const { orderId, paymentId } = await authorized();
    const calls = vi.spyOn(app.modules.payments.provider, 'capture');
    const held = await hold(app, 'SELECT id FROM payments.payments WHERE id = $1 FOR UPDATE', [paymentId]);
    const both = Promise.all([step('capture', paymentId), step('capture', paymentId)]);
    await untilWaiting(app, 2);
    await held.letGo();
    const statuses = (await both).map(({ status }) => status);
    expect(statuses).toContain(200);
    expect(statuses.every((status) => status === 200 || status === 409)).toBe(true);
    expect(calls.mock.calls.length).toBeGreaterThan(0);
    expect(await chargesOf(app, orderId)).toEqual(captured);
    expect(await factsOf(app, orderId)).toEqual(['payment.authorized', 'payment.captured']);
  });

  it('racing with the provider’s own event settles once, held until both wait to settle', async () => {
    const { orderId, paymentId } = await authorized();
    const { provider } = app.modules.payments;
    const capture = provider.capture.bind(provider);
    let held: Awaited<ReturnType<typeof hold>> | undefined;
    vi.spyOn(provider, 'capture').mockImplementationOnce(async (...asked) => {
      const state = await capture(...asked);
      held = await hold(app, 'SELECT id FROM payments.payments WHERE id = $1 FOR UPDATE', [paymentId]);
      return state;
    });
    const answer = step('capture', paymentId).then(({ status }) => status);
    await untilWaiting(app, 1);
    const event = tellEvent(app, { paymentId, status: 'captured', captured: TOTAL.amount }).then(
      ({ status }) => status,
    );
    await untilWaiting(app, 2);
    await held?.letGo();
    expect(await Promise.all([answer, event])).toEqual([200, 204]);
    expect(await factsOf(app, orderId)).toEqual(['payment.authorized', 'payment.captured']);
    await tellEvent(app, { paymentId, status: 'authorized' }).expect(204);
    expect(await readPayment(app, anna, paymentId)).toMatchObject({ status: 'captured', capturedAmount: TOTAL });
    expect(await readOrder(app, orderId)).toEqual({ status: 'confirmed', paymentStatus: 'paid' });
  });
});

describe('when the provider does not answer', () => {
  it('the same key goes on with it', async () => {
    const { orderId, paymentId } = await authorized();
    const same = key();
    silently();
    const { body, headers } = await step('capture', paymentId, same).expect(503);
    expect([body.code, headers['retry-after']]).toEqual(['provider_unavailable', '5']);
    expect((await readPayment(app, anna, paymentId)).status).toBe('authorized');
    expect((await step('capture', paymentId, same).expect(200)).body.data.status).toBe('captured');
    expect(await factsOf(app, orderId)).toEqual(['payment.authorized', 'payment.captured']);
  });

  it('the job goes on with it, and the key learns of it', async () => {
    const { paymentId } = await authorized();
    const same = key();
    silently();
    await step('capture', paymentId, same).expect(503);
    await runJobLater(paymentId);
    expect((await readPayment(app, anna, paymentId)).status).toBe('captured');
    expect((await step('capture', paymentId, same).expect(200)).body.data.status).toBe('captured');
  });

  it('and finance then voids it, it is voided: the last word counts', async () => {
    const { orderId, paymentId } = await authorized();
    const same = key();
    silently();
    await step('capture', paymentId, same).expect(503);
    await step('void', paymentId).expect(200);
    expect((await step('capture', paymentId, same).expect(409)).body.code).toBe('payment_status_forbidden');
    await app.runJob('payments.reconcile');
    expect(await chargesOf(app, orderId)).toEqual([{ status: 'voided', captured: 0, refunded: 0 }]);
  });

  it('but has captured, what is voided too late stays captured', async () => {
    const { orderId, paymentId } = await authorized();
    const { provider } = app.modules.payments;
    const capture = provider.capture.bind(provider);
    vi.spyOn(provider, 'capture').mockImplementationOnce(async (...asked) => {
      await capture(...asked);
      throw new Error('the line went dead');
    });
    await step('capture', paymentId).expect(503);
    await step('void', paymentId).expect(409);
    expect(await readOrder(app, orderId)).toEqual({ status: 'confirmed', paymentStatus: 'paid' });
    expect(await chargesOf(app, orderId)).toEqual(captured);
  });

  it('because the authorisation is gone, the answer says so', async () => {
    const { orderId, paymentId } = await authorized();
    await app.modules.payments.provider.void(paymentId);
    expect((await step('capture', paymentId).expect(409)).body.code).toBe('payment_status_forbidden');
    expect((await readOrder(app, orderId)).paymentStatus).toBe('voided');
  });
});

describe('an order that was sent', () => {
  const sent = (orderId: string) => app.modules.payments.service.captureAllOf(orderId);

  it('is captured afterwards, however often it is told', async () => {
    const { orderId, paymentId } = await authorized();
    await sent(orderId);
    const once = await readPayment(app, anna, paymentId);
    expect(once).toMatchObject({ status: 'captured', capturedAmount: TOTAL });
    await sent(orderId);
    expect(await readPayment(app, anna, paymentId)).toEqual(once);
    expect(await chargesOf(app, orderId)).toEqual(captured);
    expect(await factsOf(app, orderId)).toEqual(['payment.authorized', 'payment.captured']);
  });

  it('is captured by the job when the provider did not answer', async () => {
    const { orderId, paymentId } = await authorized();
    silently();
    await sent(orderId);
    expect((await readPayment(app, anna, paymentId)).status).toBe('authorized');
    silently();
    await runJobLater(paymentId);
    expect((await readPayment(app, anna, paymentId)).status).toBe('authorized');
    await passTime(app, paymentId, 600);
    await app.runJob('payments.reconcile');
    expect((await readPayment(app, anna, paymentId)).status).toBe('captured');
    expect((await readOrder(app, orderId)).paymentStatus).toBe('paid');
  });

  it('is not asked about any more when an event has settled it while the job still takes it for open', async () => {
    const { orderId, paymentId } = await authorized();
    silently();
    await sent(orderId);
    vi.spyOn(app.modules.payments.provider, 'capture').mockImplementationOnce(async () => {
      await tellEvent(app, { paymentId, status: 'captured', captured: TOTAL.amount }).expect(204);
      return { state: 'declined', reason: 'captured_already' };
    });
    await runJobLater(paymentId);
    expect((await readPayment(app, anna, paymentId)).status).toBe('captured');
    const [row] = await app.sql('SELECT check_at FROM payments.payments WHERE id = $1', [paymentId]);
    expect(row).toEqual({ check_at: null });
  });

  it('is left alone when it is paid, or is being given back', async () => {
    const [paid, owed] = [await authorized('tok_ok', true), await authorized()];
    vi.spyOn(app.modules.payments.provider, 'void').mockRejectedValueOnce(new Error('no line'));
    await step('void', owed.paymentId).expect(503);
    const before = await readPayment(app, anna, paid.paymentId);
    await Promise.all([sent(paid.orderId), sent(owed.orderId)]);
    expect(await readPayment(app, anna, paid.paymentId)).toEqual(before);
    await runJobLater(owed.paymentId);
    expect((await readPayment(app, anna, owed.paymentId)).status).toBe('voided');
  });
});

it('staff’s deeds are in the audit trail, with the payment before and after; a customer’s are not', async () => {
  const { paymentId } = await authorized();
  const other = await authorized();
  await step('capture', paymentId).expect(200);
  await step('capture', paymentId).expect(409);
  await step('void', other.paymentId).expect(200);
  const deed = { actorId: finance.userId, role: 'finance', subjectId: paymentId };
  expect(await entriesOf(app, paymentId)).toEqual([
    { ...deed, action: 'payment.capture_requested', before: 'authorized', after: 'authorized' },
  ]);
  expect(await entriesOf(app, other.paymentId)).toMatchObject([{ action: 'payment.void_requested' }]);
});
