// Money that comes when the order is gone goes back by itself, and so does what a cancelled order had already taken.
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { key, startTestApp, type Person, type TestApp } from '../../../tests/support/app.ts';
import {
  cancelOrder,
  chargesOf,
  expireOrder,
  factsOf,
  passTime,
  pay,
  placeOrder,
  readOrder,
  readPayment,
  refundsAtProvider,
  tellEvent,
  TOTAL,
  until,
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

/** Something happens after the provider has charged, and before we hear of it. */
function whileCharging(happen: () => Promise<unknown>): void {
  const { provider } = app.modules.payments;
  const authorize = provider.authorize.bind(provider);
  vi.spyOn(provider, 'authorize').mockImplementationOnce(async (authorization, signal) => {
    const state = await authorize(authorization, signal);
    await happen();
    return state;
  });
}

const ends: [string, (orderId: string) => Promise<unknown>][] = [
  ['expires', (orderId) => expireOrder(app, orderId)],
  ['is cancelled', async (orderId) => cancelOrder(app, anna, orderId).expect(200)],
];

describe.each(ends)('an order that %s while it is being paid', (_what, end) => {
  it('is refused, and the captured money comes back', async () => {
    const orderId = await placeOrder(app, anna);
    whileCharging(() => end(orderId));
    const same = key();
    const { body } = await pay(app, anna, orderId, { token: 'tok_ok' }, same).expect(409);
    expect(body).toMatchObject({ code: 'order_status_forbidden', allowed: ['pending_payment'] });
    await app.dispatch();
    expect(await readPayment(app, anna, body.paymentId)).toMatchObject({
      status: 'captured',
      capturedAmount: TOTAL,
      refundedAmount: TOTAL,
    });
    expect(await chargesOf(app, orderId)).toEqual([
      { status: 'refunded', captured: TOTAL.amount, refunded: TOTAL.amount },
    ]);
    expect((await readOrder(app, orderId)).paymentStatus).toBe('refunded');
    expect(await factsOf(app, orderId)).toEqual(['payment.captured', 'payment.orphaned', 'payment.refunded']);
    expect(await refundsAtProvider(app, body.paymentId)).toBe(1);
    const again = await pay(app, anna, orderId, { token: 'tok_ok' }, same).expect(409);
    expect(again.body).toEqual(body);
  });

  it('is refused, and the authorisation is voided', async () => {
    const orderId = await placeOrder(app, anna);
    whileCharging(() => end(orderId));
    const { body } = await pay(app, anna, orderId, { token: 'tok_ok', capture: false }).expect(409);
    await app.dispatch();
    expect(await readPayment(app, anna, body.paymentId)).toMatchObject({
      status: 'voided',
      capturedAmount: { amount: 0 },
    });
    expect(await chargesOf(app, orderId)).toEqual([{ status: 'voided', captured: 0, refunded: 0 }]);
    expect((await readOrder(app, orderId)).paymentStatus).toBe('voided');
    expect(await factsOf(app, orderId)).toEqual(['payment.authorized', 'payment.orphaned', 'payment.voided']);
  });

  it('gives back what a slow provider tells afterwards', async () => {
    const orderId = await placeOrder(app, anna);
    const { body } = await pay(app, anna, orderId, { token: 'tok_slow' }).expect(202);
    await end(orderId);
    await app.dispatch();
    await until(
      () => readPayment(app, anna, body.data.id),
      ({ status }) => status === 'captured',
    );
    await app.dispatch();
    expect(await readPayment(app, anna, body.data.id)).toMatchObject({ refundedAmount: TOTAL });
    expect(await factsOf(app, orderId)).toEqual(['payment.captured', 'payment.orphaned', 'payment.refunded']);
  });

  it('is not asked of the customer any more', async () => {
    const orderId = await placeOrder(app, anna);
    const { body } = await pay(app, anna, orderId, { token: 'tok_requires_action' }).expect(202);
    await end(orderId);
    await app.dispatch();
    expect(await readPayment(app, anna, body.data.id)).toMatchObject({ status: 'voided', nextAction: null });
    await fetch(`${app.url}/test-provider/charges/${body.data.id}/approve`, { method: 'POST', redirect: 'manual' });
    expect(await chargesOf(app, orderId)).toEqual([{ status: 'voided', captured: 0, refunded: 0 }]);
  });
});

describe('a paid order that is cancelled', () => {
  it.each([
    [true, { status: 'captured', refundedAmount: TOTAL }, 'refunded'],
    [false, { status: 'voided', refundedAmount: { amount: 0, currency: 'EUR' } }, 'voided'],
  ])('gives the money back (captured: %s), however often it is told', async (capture, payment, paymentStatus) => {
    const orderId = await placeOrder(app, anna);
    const { body } = await pay(app, anna, orderId, { token: 'tok_ok', capture }).expect(201);
    await cancelOrder(app, anna, orderId).expect(200);
    await app.dispatch();
    await app.modules.payments.service.giveBackAllOf(orderId, 'order_cancelled');
    await app.modules.payments.service.giveBack(body.data.id);
    await app.runJob('payments.reconcile');
    expect(await readPayment(app, anna, body.data.id)).toMatchObject(payment);
    expect(await readOrder(app, orderId)).toEqual({ status: 'cancelled', paymentStatus });
    expect(await factsOf(app, orderId)).toEqual([
      capture ? 'payment.captured' : 'payment.authorized',
      `payment.${paymentStatus}`,
    ]);
    expect(await refundsAtProvider(app, body.data.id)).toBe(capture ? 1 : 0);
  });

  it('gives back once when four try at once', async () => {
    const orderId = await placeOrder(app, anna);
    const { body } = await pay(app, anna, orderId, { token: 'tok_ok' }).expect(201);
    await cancelOrder(app, anna, orderId).expect(200);
    const { service } = app.modules.payments;
    await app.dispatch();
    await Promise.all([1, 2, 3, 4].map(() => service.giveBack(body.data.id)));
    expect(await refundsAtProvider(app, body.data.id)).toBe(1);
    expect(await factsOf(app, orderId)).toEqual(['payment.captured', 'payment.refunded']);
  });

  it('gives back once when the answer to the refund is lost: the job finds it', async () => {
    const orderId = await placeOrder(app, anna);
    const { body } = await pay(app, anna, orderId, { token: 'tok_ok' }).expect(201);
    const paymentId = String(body.data.id);
    const { provider } = app.modules.payments;
    const refund = provider.refund.bind(provider);
    vi.spyOn(provider, 'refund').mockImplementationOnce(async (request) => {
      await refund(request);
      throw new Error('the line went dead');
    });
    await cancelOrder(app, anna, orderId).expect(200);
    await app.dispatch();
    expect((await readPayment(app, anna, paymentId)).refundedAmount.amount).toBe(0);
    await passTime(app, paymentId, 60);
    await app.runJob('payments.reconcile');
    expect((await readPayment(app, anna, paymentId)).refundedAmount).toEqual(TOTAL);
    expect(await refundsAtProvider(app, paymentId)).toBe(1);
    const refunds = await app.sql<{ status: string }>('SELECT status FROM payments.refunds WHERE payment_id = $1', [
      paymentId,
    ]);
    expect(refunds).toEqual([{ status: 'succeeded' }]);
  });

  it('tries again when the provider refuses to give it back', async () => {
    const orderId = await placeOrder(app, anna);
    const { body } = await pay(app, anna, orderId, { token: 'tok_ok', capture: false }).expect(201);
    const paymentId = String(body.data.id);
    vi.spyOn(app.modules.payments.provider, 'void').mockResolvedValueOnce({ state: 'declined', reason: 'not_today' });
    await cancelOrder(app, anna, orderId).expect(200);
    await app.dispatch();
    expect((await readPayment(app, anna, paymentId)).status).toBe('authorized');
    await passTime(app, paymentId, 60);
    await app.runJob('payments.reconcile');
    expect((await readPayment(app, anna, paymentId)).status).toBe('voided');
  });

  it('tries again with the same refund when the provider did not get it', async () => {
    const orderId = await placeOrder(app, anna);
    const { body } = await pay(app, anna, orderId, { token: 'tok_ok' }).expect(201);
    const paymentId = String(body.data.id);
    const refund = vi.spyOn(app.modules.payments.provider, 'refund').mockRejectedValueOnce(new Error('no line'));
    await cancelOrder(app, anna, orderId).expect(200);
    await app.dispatch();
    await passTime(app, paymentId, 60);
    await app.runJob('payments.reconcile');
    expect((await readPayment(app, anna, paymentId)).refundedAmount).toEqual(TOTAL);
    const [first, second] = refund.mock.calls.map(([request]) => request.refundId);
    expect(second).toBe(first);
  });
});

it('gives back what is charged after the payment was given up', async () => {
  const orderId = await placeOrder(app, anna);
  const { provider } = app.modules.payments;
  vi.spyOn(provider, 'authorize').mockRejectedValueOnce(new Error('no line'));
  const { body } = await pay(app, anna, orderId, { token: 'tok_ok' }).expect(202);
  const paymentId = String(body.data.id);
  await passTime(app, paymentId, 300);
  await app.runJob('payments.reconcile');
  expect((await readPayment(app, anna, paymentId)).status).toBe('declined');
  await pay(app, anna, orderId, { token: 'tok_ok' }).expect(201);
  // The request that was believed lost arrives after all, twice told.
  const amount = TOTAL;
  await provider.authorize({ paymentId, amount, token: 'tok_ok', capture: true }, AbortSignal.timeout(1000));
  await tellEvent(app, { paymentId, status: 'captured', captured: TOTAL.amount }).expect(204);
  await app.dispatch();
  await tellEvent(app, { paymentId, status: 'captured', captured: TOTAL.amount }).expect(204);
  await app.dispatch();
  expect(await readPayment(app, anna, paymentId)).toMatchObject({
    status: 'declined',
    capturedAmount: TOTAL,
    refundedAmount: TOTAL,
  });
  expect(await factsOf(app, orderId)).toEqual([
    'payment.declined',
    'payment.captured',
    'payment.orphaned',
    'payment.refunded',
  ]);
  expect(await readOrder(app, orderId)).toEqual({ status: 'confirmed', paymentStatus: 'paid' });
  expect(await refundsAtProvider(app, paymentId)).toBe(1);
});
