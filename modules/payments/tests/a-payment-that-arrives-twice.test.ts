// The provider repeats itself, overtakes itself and speaks while we ask: the payment settles once and never goes back.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { key, startTestApp, type Person, type TestApp } from '../../../tests/support/app.ts';
import {
  chargesOf,
  factsOf,
  hold,
  pay,
  placeOrder,
  readOrder,
  readPayment,
  sendEvent,
  signature,
  tellEvent,
  TOTAL,
  until,
  untilWaiting,
} from './story.ts';

let app: TestApp;
let anna: Person;

beforeAll(async () => {
  app = await startTestApp();
  anna = await app.signIn();
});
afterAll(() => app.close());

const eventsHeard = async (): Promise<number> => {
  const [row] = await app.sql<{ heard: number }>('SELECT count(*)::int AS heard FROM payments.provider_events');
  return row?.heard ?? 0;
};

/** A payment that waits for its customer; the provider has charged it, but not told. */
async function chargedButUntold(): Promise<{ orderId: string; paymentId: string }> {
  const orderId = await placeOrder(app, anna);
  const { body } = await pay(app, anna, orderId, { token: 'tok_requires_action' }).expect(202);
  const paymentId = String(body.data.id);
  await app.sql(
    `UPDATE payments.test_provider_charges SET status = 'captured', captured_minor = amount_minor WHERE id = $1`,
    [paymentId],
  );
  return { orderId, paymentId };
}

describe('events', () => {
  it('sent twice by the provider settle once', async () => {
    const before = await eventsHeard();
    const orderId = await placeOrder(app, anna);
    await pay(app, anna, orderId, { token: 'tok_duplicate_webhook' }).expect(201);
    await until(eventsHeard, (heard) => heard === before + 1);
    expect(await factsOf(app, orderId)).toEqual(['payment.captured']);
    expect(await chargesOf(app, orderId)).toEqual([{ status: 'captured', captured: TOTAL.amount, refunded: 0 }]);
  });

  it('overtaken by another settle on what was told first', async () => {
    const before = await eventsHeard();
    const orderId = await placeOrder(app, anna);
    const { body } = await pay(app, anna, orderId, { token: 'tok_out_of_order' }).expect(202);
    await until(eventsHeard, (heard) => heard === before + 2);
    expect(await readPayment(app, anna, body.data.id)).toMatchObject({ status: 'captured', capturedAmount: TOTAL });
    expect(await factsOf(app, orderId)).toEqual(['payment.captured']);
    expect(await readOrder(app, orderId)).toEqual({ status: 'confirmed', paymentStatus: 'paid' });
  });

  it.each(['processing', 'requires_action', 'authorized', 'declined', 'voided'])(
    'that come late change nothing: %s',
    async (status) => {
      const { orderId, paymentId } = await chargedButUntold();
      await tellEvent(app, { paymentId, status: 'captured', captured: TOTAL.amount }).expect(204);
      const before = await readPayment(app, anna, paymentId);
      expect(before.status).toBe('captured');
      await tellEvent(app, { paymentId, status }).expect(204);
      expect(await readPayment(app, anna, paymentId)).toEqual(before);
      expect(await factsOf(app, orderId)).toEqual(['payment.captured']);
    },
  );

  it('with the same id are heard once, whatever they say', async () => {
    const { paymentId } = await chargedButUntold();
    const eventId = `evt_${randomUUID()}`;
    await tellEvent(app, { eventId, paymentId, status: 'requires_action' }).expect(204);
    await tellEvent(app, { eventId, paymentId, status: 'captured', captured: TOTAL.amount }).expect(204);
    expect((await readPayment(app, anna, paymentId)).status).toBe('requires_action');
  });

  it('twice at once settle once: held until both wait', async () => {
    const { orderId, paymentId } = await chargedButUntold();
    const held = await hold(app, 'SELECT id FROM payments.payments WHERE id = $1 FOR UPDATE', [paymentId]);
    const eventId = `evt_${randomUUID()}`;
    const told = { eventId, paymentId, status: 'captured', captured: TOTAL.amount };
    const both = Promise.all([tellEvent(app, told), tellEvent(app, told)]);
    await untilWaiting(app, 2);
    await held.letGo();
    expect((await both).map(({ status }) => status)).toEqual([204, 204]);
    expect(await factsOf(app, orderId)).toEqual(['payment.captured']);
  });

  it('racing with two confirmations settle once: held until all three wait', async () => {
    const { orderId, paymentId } = await chargedButUntold();
    const held = await hold(app, 'SELECT id FROM payments.payments WHERE id = $1 FOR UPDATE', [paymentId]);
    const confirm = () => app.api.post(`/api/v1/payments/${paymentId}/confirmation`).set(anna.auth).set(key());
    const all = Promise.all([
      tellEvent(app, { paymentId, status: 'captured', captured: TOTAL.amount }),
      confirm(),
      confirm(),
    ]);
    await untilWaiting(app, 3);
    await held.letGo();
    expect((await all).map(({ status }) => status)).toEqual([204, 200, 200]);
    expect(await factsOf(app, orderId)).toEqual(['payment.captured']);
    expect(await readPayment(app, anna, paymentId)).toMatchObject({ status: 'captured', version: 3 });
  });

  it('about payments that are not ours are remembered', async () => {
    const before = await eventsHeard();
    for (const paymentId of ['01939d3a-7c1e-7b1a-8f00-000000000001', 'somebody-else']) {
      const eventId = `evt_${randomUUID()}`;
      await tellEvent(app, { eventId, paymentId, status: 'captured' }).expect(204);
      await tellEvent(app, { eventId, paymentId, status: 'captured' }).expect(204);
    }
    expect(await eventsHeard()).toBe(before + 2);
  });
});

const event = (more: object = {}, charge: object = {}): string =>
  JSON.stringify({
    id: 'evt_1',
    type: 'charge.updated',
    charge: {
      id: 'x',
      status: 'captured',
      amountMinor: 1,
      capturedMinor: 1,
      refundedMinor: 0,
      declineReason: null,
      ...charge,
    },
    ...more,
  });

describe('bad events', () => {
  const now = Math.floor(Date.now() / 1000);

  it.each<[string, string | null]>([
    ['none', null],
    ['empty', ''],
    ['of another secret', signature(event(), { secret: 'not-the-secret-at-all' })],
    ['of another body', signature(event({ id: 'evt_2' }))],
    ['too old', signature(event(), { at: now - 310 })],
    ['from the future', signature(event(), { at: now + 3600 })],
    ['with its time changed', signature(event()).replace(/t=\d+/, `t=${now - 5}`)],
    ['too short', signature(event()).slice(0, -2)],
    ['without time', signature(event()).replace(/t=\d+,/, '')],
    ['given twice', `${signature(event())}, ${signature(event())}`],
  ])('are refused when the signature is %s', async (_what, signed) => {
    const before = await eventsHeard();
    expect((await sendEvent(app, event(), signed).expect(400)).body.code).toBe('signature_invalid');
    expect(await eventsHeard()).toBe(before);
  });

  it.each<[string, string]>([
    ['nothing', ''],
    ['not JSON', '{'],
    ['a list', '[]'],
    ['null', 'null'],
    ['no id', event({ id: undefined })],
    ['an empty id', event({ id: '' })],
    ['a long id', event({ id: 'x'.repeat(256) })],
    ['NUL in its id', event({ id: 'evt\0' })],
    ['a lone surrogate in its id', event({ id: 'evt\ud800' })],
    ['NUL in the payment', event({}, { id: 'x\0' })],
    ['a status nobody knows', event({}, { status: 'lost' })],
    ['half a cent', event({}, { capturedMinor: 0.5 })],
    ['less than nothing', event({}, { capturedMinor: -1 })],
    ['more than can be counted', event({}, { capturedMinor: 2 ** 60 })],
    ['no charge', event({ charge: undefined })],
  ])('are refused when they say, well signed, %s', async (_what, body) => {
    const before = await eventsHeard();
    const answer = await sendEvent(app, body, signature(body)).expect(400);
    expect(answer.body).toMatchObject({ code: 'validation_failed', errors: [{}] });
    expect(await eventsHeard()).toBe(before);
  });

  it('are refused when they are huge, before the signature is looked at', async () => {
    expect((await sendEvent(app, event({ id: 'x'.repeat(300_000) }), null)).status).toBe(413);
  });

  it.each(['stripe', 'void', 'x'.repeat(64), 'constructor'])(
    'are refused from a provider that is not set up: %s',
    async (provider) => {
      expect((await sendEvent(app, event(), signature(event()), provider).expect(404)).body.code).toBe(
        'provider_unknown',
      );
    },
  );

  it.each(['x'.repeat(65), '%00'])('are refused at an address that is none: %s', async (provider) => {
    expect((await sendEvent(app, event(), signature(event()), provider).expect(400)).body.code).toBe(
      'validation_failed',
    );
  });
});
