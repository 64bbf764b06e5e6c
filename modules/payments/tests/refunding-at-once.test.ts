// Many refund at once, in two processes, and the provider speaks meanwhile: never more than was captured goes back, and each piece once.
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { AppError } from '../../../shared/errors/app-error.ts';
import { readIdempotencyKey } from '../../../shared/idempotency/idempotency-key.ts';
import { key, startTestApp, type Person, type TestApp } from '../../../tests/support/app.ts';
import type { RefundInput } from '../refund.validation.ts';
import type { RefundView } from '../refund.view.ts';
import {
  actorOf,
  anotherProcess,
  cancelOrder,
  chargesOf,
  eur,
  factsOf,
  hold,
  passTime,
  pay,
  placeOrderOf,
  readOrder,
  readPayment,
  refund,
  refundsAtProvider,
  refundsOf,
  tellEvent,
  untilWaiting,
} from './story.ts';

let app: TestApp;
let other: ReturnType<typeof anotherProcess>;
let anna: Person;
let finance: Person;

beforeAll(async () => {
  app = await startTestApp();
  other = anotherProcess(app, { callTimeoutMs: 5000 });
  [anna, finance] = await Promise.all([app.signIn(), app.signIn({ role: 'finance' })]);
});
afterEach(() => {
  vi.restoreAllMocks();
});
afterAll(async () => {
  await other.close();
  await app.close();
});

/** Ten pieces for 11.90 EUR. */
async function paid(): Promise<{ orderId: string; lineId: string; paymentId: string }> {
  const { sku } = await app.sellable({ amount: 100 });
  const { id: orderId, lines } = await placeOrderOf(app, anna, [{ sku, quantity: 10 }]);
  const { body } = await pay(app, anna, orderId, { token: 'tok_ok' }).expect(201);
  return { orderId, lineId: String(lines[0]?.id), paymentId: String(body.data.id) };
}

const holdPayment = (paymentId: string) =>
  hold(app, 'SELECT id FROM payments.payments WHERE id = $1 FOR UPDATE', [paymentId]);

type Answer = RefundView['status'] | 'idempotency_in_progress' | 'refund_exceeds_captured' | 'refund_exceeds_ordered';

/** As a client does: with the same key until there is an answer that is one. */
async function untilAnswered(send: () => Promise<Answer | null>): Promise<Answer> {
  for (;;) {
    const answer = await send();
    if (answer !== null && answer !== 'idempotency_in_progress') return answer;
    // A busy machine may end a try in 503 half-way; its lease of 30 s is not waited for.
    await app.sql('UPDATE idempotency.keys SET leased_until = now() WHERE outcome IS NULL');
  }
}

function askHere(orderId: string, wish: RefundInput): Promise<Answer> {
  const same = key();
  return untilAnswered(async () => {
    const { status, body } = await refund(app, finance, orderId, wish, same);
    return status === 503 ? null : (body.data?.status ?? body.code);
  });
}

function askElsewhere(orderId: string, wish: RefundInput): Promise<Answer> {
  const scope = `${finance.userId} POST /api/v1/orders/${orderId}/refunds`;
  const same = readIdempotencyKey(key()['Idempotency-Key'], scope, wish);
  const actor = actorOf(finance, ['orders:refund']);
  return untilAnswered(async () => {
    try {
      return (await other.refundService.refund(actor, orderId, wish, same)).result.status;
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      return error.kind === 'unavailable' ? null : (error.code as Answer);
    }
  });
}

/** On a busy machine the provider's answer may be late: what is pending is asked about, and is done then. */
async function settled(answers: Answer[], paymentId: string): Promise<Answer[]> {
  if (answers.includes('pending')) {
    await passTime(app, paymentId, 60);
    await app.runJob('payments.reconcile');
  }
  return answers.map((answer) => (answer === 'pending' ? 'succeeded' : answer));
}

const counted = (answers: Answer[]) =>
  Object.fromEntries([...new Set(answers)].map((one) => [one, answers.filter((answer) => answer === one).length]));

describe('32 refunds at once, in two processes, held until a dozen wait', () => {
  it.each<[string, (lineId: string) => RefundInput, object, number]>([
    [
      'of 1.00 each of 11.90',
      () => ({ amount: eur(100), reason: 'Broken' }),
      { succeeded: 11, refund_exceeds_captured: 21 },
      1100,
    ],
    [
      'of a piece each of ten',
      (lineId) => ({ lines: [{ lineId, quantity: 1 }], reason: 'Broken' }),
      { succeeded: 10, refund_exceeds_ordered: 22 },
      1190,
    ],
  ])('%s: as many as fit', async (_what, wishFor, expected, total) => {
    const { orderId, lineId, paymentId } = await paid();
    const wish = wishFor(lineId);
    const held = await holdPayment(paymentId);
    const all = Promise.all(
      Array.from({ length: 16 }, () => [askHere(orderId, wish), askElsewhere(orderId, wish)]).flat(),
    );
    await untilWaiting(app, 12);
    await held.letGo();
    expect(counted(await settled(await all, paymentId))).toEqual(expected);
    const refunds = await refundsOf(app, anna, orderId);
    expect(refunds.reduce((sum, { amount }) => sum + amount.amount, 0)).toBe(total);
    expect(await chargesOf(app, orderId)).toMatchObject([{ captured: 1190, refunded: total }]);
    expect(await refundsAtProvider(app, paymentId)).toBe(refunds.length);
    expect((await factsOf(app, orderId)).filter((type) => type === 'payment.refunded')).toHaveLength(refunds.length);
    expect((await readPayment(app, anna, paymentId)).refundedAmount).toEqual(eur(total));
    expect((await readOrder(app, orderId)).paymentStatus).toBe(total === 1190 ? 'refunded' : 'partially_refunded');
  });
});

describe('events of the provider’s about a refund', () => {
  it.each([
    [500, 'captured', 'partially_refunded'],
    [1190, 'refunded', 'refunded'],
  ])('racing with its answer tell of %i once, held until both wait', async (amount, status, paymentStatus) => {
    const { orderId, paymentId } = await paid();
    const { provider } = app.modules.payments;
    const refunds = provider.refund.bind(provider);
    let held: Awaited<ReturnType<typeof hold>> | undefined;
    vi.spyOn(provider, 'refund').mockImplementationOnce(async (request) => {
      const state = await refunds(request);
      held = await holdPayment(paymentId);
      return state;
    });
    const answer = refund(app, finance, orderId, { amount: eur(amount), reason: 'Broken' }).then((one) => one);
    await untilWaiting(app, 1);
    const event = { paymentId, status, captured: 1190, refunded: amount };
    const events = Promise.all([tellEvent(app, event), tellEvent(app, event)]);
    await untilWaiting(app, 3);
    await held?.letGo();
    expect((await answer).status).toBe(201);
    expect((await events).map((one) => one.status)).toEqual([204, 204]);
    await tellEvent(app, { paymentId, status: 'captured', captured: 1190 }).expect(204);
    await app.runJob('payments.reconcile');
    expect(await factsOf(app, orderId)).toEqual(['payment.captured', 'payment.refunded']);
    expect((await readOrder(app, orderId)).paymentStatus).toBe(paymentStatus);
    expect((await readPayment(app, anna, paymentId)).refundedAmount).toEqual(eur(amount));
    expect(await refundsAtProvider(app, paymentId)).toBe(1);
  });
});

it('a refund and the cancelling of its order give back everything once, held until both wait', async () => {
  const { orderId, paymentId } = await paid();
  await cancelOrder(app, anna, orderId).expect(200);
  const held = await holdPayment(paymentId);
  const answer = askHere(orderId, { amount: eur(500), reason: 'Broken' });
  const heard = app.dispatch();
  await untilWaiting(app, 2);
  await held.letGo();
  expect(['succeeded', 'refund_exceeds_captured']).toContain(await answer);
  await heard;
  await app.sql(`UPDATE payments.payments SET check_at = now() WHERE id = $1 AND check_at IS NOT NULL`, [paymentId]);
  await app.runJob('payments.reconcile');
  expect(await chargesOf(app, orderId)).toEqual([{ status: 'refunded', captured: 1190, refunded: 1190 }]);
  expect((await readOrder(app, orderId)).paymentStatus).toBe('refunded');
  const sum = (await refundsOf(app, anna, orderId)).reduce((total, { amount }) => total + amount.amount, 0);
  expect(sum).toBe(1190);
});
