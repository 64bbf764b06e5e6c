// Finance gives money back: an amount, some lines or all that is left; once, never more than was captured, and also when the provider is silent.
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { key, startTestApp, type Person, type TestApp } from '../../../tests/support/app.ts';
import {
  cancelOrder,
  chargesOf,
  entriesOf,
  eur,
  factsOf,
  fulfil,
  passTime,
  pay,
  placeOrder,
  placeOrderOf,
  readOrder,
  readPayment,
  refund,
  refundsAtProvider,
  refundsOf,
  stockOf,
  tellEvent,
  TOTAL,
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
afterAll(async () => {
  expect(await app.modules.catalog.stock.ledgerDifferences()).toEqual([]);
  await app.close();
});

async function paid(): Promise<{ orderId: string; paymentId: string }> {
  const orderId = await placeOrder(app, anna);
  const { body } = await pay(app, anna, orderId, { token: 'tok_ok' }).expect(201);
  return { orderId, paymentId: String(body.data.id) };
}

/** Three mugs of 10.00 EUR and 19 % tax: 35.70 EUR; and two of a gift for nothing. */
async function paidMugs() {
  const mug = await app.sellable({ onHand: 10 });
  const gift = await app.sellable({ amount: 0, onHand: 10 });
  const order = await placeOrderOf(app, anna, [
    { sku: mug.sku, quantity: 3 },
    { sku: gift.sku, quantity: 2 },
  ]);
  const { body } = await pay(app, anna, order.id, { token: 'tok_ok' }).expect(201);
  const [mugs, gifts] = order.lines;
  return {
    orderId: order.id,
    paymentId: String(body.data.id),
    sku: mug.sku,
    mugs: String(mugs?.id),
    gifts: String(gifts?.id),
  };
}

const ask = (orderId: string, body: object, header = key(), person = finance) =>
  refund(app, person, orderId, { reason: 'Arrived broken', ...body }, header);

/** The provider does it, and its answer is lost. */
function loseAnswer(): void {
  const { provider } = app.modules.payments;
  const refunds = provider.refund.bind(provider);
  vi.spyOn(provider, 'refund').mockImplementationOnce(async (request) => {
    await refunds(request);
    throw new Error('the line went dead');
  });
}
const silently = () => vi.spyOn(app.modules.payments.provider, 'refund').mockRejectedValueOnce(new Error('no line'));
const refuse = () =>
  vi.spyOn(app.modules.payments.provider, 'refund').mockResolvedValueOnce({ state: 'declined', reason: 'not_today' });
const runJobLater = async (paymentId: string) => {
  await passTime(app, paymentId, 60);
  await app.runJob('payments.reconcile');
};

describe('a refund', () => {
  it('of an amount gives back so much', async () => {
    const { orderId, paymentId } = await paid();
    const { body, headers } = await ask(orderId, { amount: eur(500) }).expect(201);
    expect(body.data).toMatchObject({
      orderId,
      paymentId,
      amount: eur(500),
      lines: [],
      reason: 'Arrived broken',
      restock: false,
      status: 'succeeded',
    });
    expect(headers['location']).toBe(`/api/v1/orders/${orderId}/refunds`);
    expect(await refundsOf(app, anna, orderId)).toEqual([body.data]);
    expect(await readPayment(app, anna, paymentId)).toMatchObject({ status: 'captured', refundedAmount: eur(500) });
    expect(await readOrder(app, orderId)).toEqual({ status: 'confirmed', paymentStatus: 'partially_refunded' });
    expect(await chargesOf(app, orderId)).toEqual([{ status: 'captured', captured: 1190, refunded: 500 }]);
    expect(await factsOf(app, orderId)).toEqual(['payment.captured', 'payment.refunded']);
  });

  it('of neither amount nor lines gives back the rest', async () => {
    const { orderId, paymentId } = await paid();
    await ask(orderId, { amount: eur(500) }).expect(201);
    expect((await ask(orderId, {}).expect(201)).body.data.amount).toEqual(eur(690));
    expect(await readPayment(app, anna, paymentId)).toMatchObject({ refundedAmount: TOTAL });
    expect(await readOrder(app, orderId)).toEqual({ status: 'confirmed', paymentStatus: 'refunded' });
    expect(await chargesOf(app, orderId)).toEqual([{ status: 'refunded', captured: 1190, refunded: 1190 }]);
    const facts = await app.sql(
      `SELECT payload->'amount'->'amount' AS amount, payload ? 'refundId' AS "isOurs" FROM events.outbox
       WHERE aggregate_id = $1 AND type = 'payment.refunded' ORDER BY seq`,
      [orderId],
    );
    expect(facts).toEqual([
      { amount: 500, isOurs: true },
      { amount: 690, isOurs: true },
    ]);
  });

  it('by lines gives back their share, and the last piece what is left of the line', async () => {
    const { orderId, mugs, gifts } = await paidMugs();
    const piece = async (lines: object[]) => (await ask(orderId, { lines }).expect(201)).body.data;
    const first = await piece([
      { lineId: gifts, quantity: 1 },
      { lineId: mugs, quantity: 1 },
    ]);
    expect(first).toMatchObject({
      amount: eur(1190),
      lines: [
        { lineId: mugs, quantity: 1, amount: eur(1190) },
        { lineId: gifts, quantity: 1, amount: eur(0) },
      ],
    });
    expect((await piece([{ lineId: mugs, quantity: 2 }])).amount).toEqual(eur(2380));
    expect((await readOrder(app, orderId)).paymentStatus).toBe('refunded');
  });

  it('leaves the order’s fulfillment and its stock as they are', async () => {
    const { orderId, sku, mugs } = await paidMugs();
    await ask(orderId, { lines: [{ lineId: mugs, quantity: 3 }] }).expect(201);
    expect(await stockOf(app, sku)).toEqual({ onHand: 10, reserved: 3 });
    await cancelOrder(app, anna, orderId).expect(200);
    expect(await stockOf(app, sku)).toEqual({ onHand: 10, reserved: 0 });
  });

  it('answers the same key the same', async () => {
    const { orderId, paymentId } = await paid();
    const same = key();
    const twins = await Promise.all([1, 2, 3].map(() => ask(orderId, { amount: eur(500) }, same).expect(201)));
    const again = await ask(orderId, { amount: eur(500) }, same).expect(201);
    expect(twins.map(({ body }) => body)).toEqual([again.body, again.body, again.body]);
    expect(again.headers['idempotency-replayed']).toBe('true');
    expect((await ask(orderId, { amount: eur(501) }, same).expect(422)).body.code).toBe('idempotency_key_reused');
    expect(await refundsAtProvider(app, paymentId)).toBe(1);
  });

  it('is for staff that may; its owner sees it, a stranger nothing', async () => {
    const { orderId } = await paid();
    await ask(orderId, {}, key(), anna).expect(403);
    await ask(orderId, {}, key(), await app.signIn({ role: 'support' })).expect(403);
    await ask(orderId, {}).expect(201);
    const stranger = await app.signIn();
    const { body } = await app.api.get(`/api/v1/orders/${orderId}/refunds`).set(stranger.auth).expect(404);
    expect(body.code).toBe('order_not_found');
    expect(await refundsOf(app, anna, orderId)).toHaveLength(1);
  });

  it('is in the audit trail', async () => {
    const { orderId } = await paid();
    const { body } = await ask(orderId, { amount: eur(1) }).expect(201);
    await ask(orderId, { amount: eur(1191) }).expect(422);
    expect(await entriesOf(app, body.data.id)).toEqual([
      {
        actorId: finance.userId,
        role: 'finance',
        action: 'refund.created',
        subjectId: body.data.id,
        before: null,
        after: 'pending',
      },
    ]);
  });
});

describe('a refund is refused', () => {
  it('beyond what was captured, and says what is left', async () => {
    const { orderId, paymentId } = await paid();
    await ask(orderId, { amount: eur(1000) }).expect(201);
    const { body } = await ask(orderId, { amount: eur(191) }).expect(422);
    expect(body).toMatchObject({ code: 'refund_exceeds_captured', left: eur(190) });
    await ask(orderId, { amount: eur(190) }).expect(201);
    expect((await ask(orderId, {}).expect(422)).body).toMatchObject({ code: 'refund_exceeds_captured', left: eur(0) });
    expect(await refundsAtProvider(app, paymentId)).toBe(2);
  });

  it.each([
    ['not paid', async () => placeOrder(app, anna)],
    [
      'only authorised',
      async () => {
        const orderId = await placeOrder(app, anna);
        await pay(app, anna, orderId, { token: 'tok_ok', capture: false }).expect(201);
        return orderId;
      },
    ],
  ])('of an order that is %s', async (_what, make) => {
    const orderId = await make();
    const { body } = await ask(orderId, {}).expect(409);
    expect(body).toMatchObject({ code: 'payment_status_forbidden', allowed: ['captured'] });
    expect(await refundsOf(app, anna, orderId)).toEqual([]);
  });

  it('of an order that is not there', async () => {
    expect((await ask('01939d3a-7c1e-7b1a-8f00-000000000001', {}).expect(404)).body.code).toBe('order_not_found');
  });

  it('of pieces that were refunded, that are not of the order, or that were not sent when they shall be back on hand', async () => {
    const { orderId, mugs } = await paidMugs();
    const other = await paidMugs();
    await ask(orderId, { lines: [{ lineId: mugs, quantity: 2 }] }).expect(201);
    const refusal = async (line: object, more = {}) =>
      (await ask(orderId, { lines: [line], ...more }).expect(422)).body;
    expect(await refusal({ lineId: mugs, quantity: 2 })).toMatchObject({
      code: 'refund_exceeds_ordered',
      errors: [{ pointer: '/lines/0/quantity', left: 1 }],
    });
    expect((await refusal({ lineId: other.mugs, quantity: 1 })).code).toBe('unknown_line');
    expect(await refusal({ lineId: mugs, quantity: 1 }, { restock: true })).toMatchObject({
      code: 'restock_exceeds_shipped',
      errors: [{ pointer: '/lines/0/quantity', left: 0 }],
    });
    expect(await refundsOf(app, anna, orderId)).toHaveLength(1);
  });

  it('that comes to nothing', async () => {
    const { orderId, gifts } = await paidMugs();
    const { body } = await ask(orderId, { lines: [{ lineId: gifts, quantity: 1 }] }).expect(422);
    expect(body.code).toBe('nothing_to_refund');
  });

  const line = { lineId: '01939d3a-7c1e-7b1a-8f00-000000000001', quantity: 1 };
  it.each<[string, object, string]>([
    ['amount and lines', { amount: eur(1), lines: [line] }, '/lines'],
    ['restock of an amount', { amount: eur(1), restock: true }, '/restock'],
    ['restock of the rest', { restock: true }, '/restock'],
    ['no reason', { reason: undefined }, '/reason'],
    ['an empty reason', { reason: '  ' }, '/reason'],
    ['nothing of an amount', { amount: eur(0) }, '/amount/amount'],
    ['less than nothing', { amount: eur(-1) }, '/amount/amount'],
    ['half a cent', { amount: eur(0.5) }, '/amount/amount'],
    ['no currency', { amount: { amount: 1 } }, '/amount/currency'],
    ['no lines', { lines: [] }, '/lines'],
    ['no pieces', { lines: [{ ...line, quantity: 0 }] }, '/lines/0/quantity'],
    ['a line that is no id', { lines: [{ ...line, lineId: '1' }] }, '/lines/0/lineId'],
    ['more than is asked for', { paymentId: line.lineId }, '/paymentId'],
  ])('as malformed: %s', async (_what, body, pointer) => {
    const { orderId } = await paid();
    const answer = await ask(orderId, body).expect(400);
    expect(answer.body).toMatchObject({ code: 'validation_failed', errors: [expect.objectContaining({ pointer })] });
  });

  it('in another currency, or with a line named twice', async () => {
    const { orderId, mugs } = await paidMugs();
    const twice = [1, 1].map((quantity) => ({ lineId: mugs, quantity }));
    expect((await ask(orderId, { lines: twice }).expect(400)).body.code).toBe('duplicate_line');
    const dollars = { amount: 1, currency: 'USD' };
    expect((await ask(orderId, { amount: dollars }).expect(422)).body.code).toBe('currency_mismatch');
  });

  it('by the provider: it is shown as failed, and its amount and pieces can be refunded again', async () => {
    const { orderId, paymentId, mugs } = await paidMugs();
    refuse();
    const same = key();
    const wish = { lines: [{ lineId: mugs, quantity: 3 }] };
    const { body } = await ask(orderId, wish, same).expect(422);
    expect(body).toMatchObject({ code: 'refund_declined', reason: 'not_today' });
    expect(await refundsOf(app, anna, orderId)).toMatchObject([{ id: body.refundId, status: 'failed' }]);
    expect((await readOrder(app, orderId)).paymentStatus).toBe('paid');
    expect((await ask(orderId, wish, same).expect(422)).body).toEqual(body);
    expect((await ask(orderId, wish).expect(201)).body.data.amount).toEqual(eur(3570));
    expect(await refundsAtProvider(app, paymentId)).toBe(1);
    expect(await factsOf(app, orderId)).toEqual(['payment.captured', 'payment.refunded']);
  });
});

describe('when the provider does not answer', () => {
  it('a refund is pending, counts as taken, and the job brings it to its end', async () => {
    const { orderId, paymentId } = await paid();
    silently();
    const same = key();
    const { body } = await ask(orderId, { amount: eur(700) }, same).expect(202);
    expect(body.data.status).toBe('pending');
    expect((await readOrder(app, orderId)).paymentStatus).toBe('refund_pending');
    expect((await ask(orderId, { amount: eur(491) }).expect(422)).body.left).toEqual(eur(490));
    await runJobLater(paymentId);
    expect(await refundsOf(app, anna, orderId)).toEqual([{ ...body.data, status: 'succeeded' }]);
    expect((await readOrder(app, orderId)).paymentStatus).toBe('partially_refunded');
    expect((await ask(orderId, { amount: eur(700) }, same).expect(202)).body).toEqual(body);
  });

  it('but has done it, it is done once', async () => {
    const { orderId, paymentId } = await paid();
    loseAnswer();
    const { body } = await ask(orderId, { amount: eur(700) }).expect(202);
    await runJobLater(paymentId);
    expect(await refundsOf(app, anna, orderId)).toEqual([{ ...body.data, status: 'succeeded' }]);
    expect(await chargesOf(app, orderId)).toEqual([{ status: 'captured', captured: 1190, refunded: 700 }]);
    expect(await refundsAtProvider(app, paymentId)).toBe(1);
    expect(await factsOf(app, orderId)).toEqual(['payment.captured', 'payment.refunded']);
  });

  it('and refuses in the end, the money counts back', async () => {
    const { orderId, paymentId } = await paid();
    silently();
    await ask(orderId, {}).expect(202);
    refuse();
    await runJobLater(paymentId);
    expect(await refundsOf(app, anna, orderId)).toMatchObject([{ status: 'failed' }]);
    expect((await readOrder(app, orderId)).paymentStatus).toBe('paid');
    await ask(orderId, {}).expect(201);
    expect(await refundsAtProvider(app, paymentId)).toBe(1);
  });

  it('for days, it is asked again with the same refund, ever less often', async () => {
    const { orderId, paymentId } = await paid();
    const { provider } = app.modules.payments;
    const calls = vi.spyOn(provider, 'refund').mockResolvedValue({ state: 'processing' });
    const { body } = await ask(orderId, {}).expect(202);
    await runJobLater(paymentId);
    await app.runJob('payments.reconcile');
    await runJobLater(paymentId);
    expect(calls.mock.calls.map(([{ refundId }]) => refundId)).toEqual(Array.from({ length: 3 }, () => body.data.id));
    calls.mockRestore();
    await passTime(app, paymentId, 3600);
    await app.runJob('payments.reconcile');
    expect(await refundsOf(app, anna, orderId)).toMatchObject([{ status: 'succeeded' }]);
  });

  it('an event of its has the refund asked about at the next tick', async () => {
    const { orderId, paymentId } = await paid();
    loseAnswer();
    await ask(orderId, { amount: eur(700) }).expect(202);
    await app.runJob('payments.reconcile');
    expect(await refundsOf(app, anna, orderId)).toMatchObject([{ status: 'pending' }]);
    await tellEvent(app, { paymentId, status: 'captured', captured: 1190, refunded: 700 }).expect(204);
    expect((await readOrder(app, orderId)).paymentStatus).toBe('refund_pending');
    await app.runJob('payments.reconcile');
    expect(await refundsOf(app, anna, orderId)).toMatchObject([{ status: 'succeeded' }]);
    expect(await factsOf(app, orderId)).toEqual(['payment.captured', 'payment.refunded']);
  });
});

describe('what was sent and has come back', () => {
  it('is on hand again, with a row in the ledger, once', async () => {
    const { orderId, paymentId, sku, mugs } = await paidMugs();
    await fulfil(app, orderId, [{ lineId: mugs, quantity: 2 }]);
    loseAnswer();
    await ask(orderId, { lines: [{ lineId: mugs, quantity: 1 }], restock: true }).expect(202);
    expect(await stockOf(app, sku)).toEqual({ onHand: 8, reserved: 1 });
    await runJobLater(paymentId);
    await runJobLater(paymentId);
    expect(await stockOf(app, sku)).toEqual({ onHand: 9, reserved: 1 });
    const movements = await app.sql(
      `SELECT kind, on_hand_delta AS "onHandDelta", order_id AS "orderId" FROM catalog.stock_movements WHERE sku = $1 ORDER BY seq DESC LIMIT 1`,
      [sku],
    );
    expect(movements).toEqual([{ kind: 'return', onHandDelta: 1, orderId }]);
    const { body } = await ask(orderId, { lines: [{ lineId: mugs, quantity: 2 }], restock: true }).expect(422);
    expect(body).toMatchObject({ code: 'restock_exceeds_shipped', errors: [{ left: 1 }] });
    await ask(orderId, { lines: [{ lineId: mugs, quantity: 1 }], restock: true }).expect(201);
    expect(await stockOf(app, sku)).toEqual({ onHand: 10, reserved: 1 });
  });

  it('is not on hand when the refund failed', async () => {
    const { orderId, sku, mugs } = await paidMugs();
    await fulfil(app, orderId, undefined);
    refuse();
    await ask(orderId, { lines: [{ lineId: mugs, quantity: 3 }], restock: true }).expect(422);
    expect(await stockOf(app, sku)).toEqual({ onHand: 7, reserved: 0 });
    await ask(orderId, { lines: [{ lineId: mugs, quantity: 3 }], restock: true }).expect(201);
    expect(await stockOf(app, sku)).toEqual({ onHand: 10, reserved: 0 });
  });
});

describe('an order that is cancelled', () => {
  it('after a part was refunded gives back the rest', async () => {
    const { orderId, paymentId } = await paid();
    await ask(orderId, { amount: eur(500) }).expect(201);
    await cancelOrder(app, anna, orderId).expect(200);
    expect((await readOrder(app, orderId)).paymentStatus).toBe('refund_pending');
    await app.dispatch();
    expect(await readOrder(app, orderId)).toEqual({ status: 'cancelled', paymentStatus: 'refunded' });
    expect(await refundsOf(app, anna, orderId)).toMatchObject([
      { amount: eur(690), reason: 'order_cancelled', status: 'succeeded' },
      { amount: eur(500), status: 'succeeded' },
    ]);
    expect(await chargesOf(app, orderId)).toEqual([{ status: 'refunded', captured: 1190, refunded: 1190 }]);
    expect(await readPayment(app, anna, paymentId)).toMatchObject({ refundedAmount: TOTAL });
  });

  it('while a part is pending gives back both', async () => {
    const { orderId, paymentId } = await paid();
    silently();
    await ask(orderId, { amount: eur(500) }).expect(202);
    await cancelOrder(app, anna, orderId).expect(200);
    await app.dispatch();
    await runJobLater(paymentId);
    expect((await readOrder(app, orderId)).paymentStatus).toBe('refunded');
    expect(await chargesOf(app, orderId)).toEqual([{ status: 'refunded', captured: 1190, refunded: 1190 }]);
  });

  it('is given back in a new refund when the provider refused the first', async () => {
    const { orderId, paymentId } = await paid();
    refuse();
    await cancelOrder(app, anna, orderId).expect(200);
    await app.dispatch();
    expect((await readOrder(app, orderId)).paymentStatus).toBe('refund_pending');
    await runJobLater(paymentId);
    expect(await refundsOf(app, anna, orderId)).toMatchObject([{ status: 'succeeded' }, { status: 'failed' }]);
    expect((await readOrder(app, orderId)).paymentStatus).toBe('refunded');
  });
});

describe('what the provider gave back by itself', () => {
  it('is told, shown, and not given back again', async () => {
    const { orderId, paymentId } = await paid();
    const { provider } = app.modules.payments;
    await provider.refund({ refundId: '01939d3a-7c1e-7b1a-8f00-0000000000aa', paymentId, amount: eur(300) });
    const event = { eventId: `evt_${orderId}`, paymentId, status: 'captured', captured: 1190, refunded: 300 };
    await tellEvent(app, event).expect(204);
    await tellEvent(app, event).expect(204);
    expect((await readOrder(app, orderId)).paymentStatus).toBe('partially_refunded');
    expect(await factsOf(app, orderId)).toEqual(['payment.captured', 'payment.refunded']);
    expect((await ask(orderId, {}).expect(201)).body.data.amount).toEqual(eur(890));
    expect((await readOrder(app, orderId)).paymentStatus).toBe('refunded');
  });

  it('is an end of the payment, when it is all', async () => {
    const { orderId, paymentId } = await paid();
    await tellEvent(app, { paymentId, status: 'refunded', captured: 1190, refunded: 1190 }).expect(204);
    await tellEvent(app, { paymentId, status: 'captured', captured: 1190 }).expect(204);
    expect((await readOrder(app, orderId)).paymentStatus).toBe('refunded');
    expect(await factsOf(app, orderId)).toEqual(['payment.captured', 'payment.refunded']);
    expect((await ask(orderId, {}).expect(422)).body.left).toEqual(eur(0));
  });
});
