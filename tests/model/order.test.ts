// Whatever customers and staff do with an order, in whatever order and however often: the server and a small model agree at each step.
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { key, startTestApp, type Person } from '../support/app.ts';
import { operationsOf } from '../support/operations.ts';
import { decide, newModel, orderOf, type Deed, type Model, type Who } from './order.model.ts';

/** `npm run model` asks for more. */
const RUNS = Number(process.env['FUZZ_RUNS'] ?? 20);
const SEED = Number(process.env['FUZZ_SEED'] ?? 1);

const app = await startTestApp();
afterAll(() => app.close());
const known = new Set(operationsOf(app.document).map(({ id }) => id));
const people: Record<Who, Person> = {
  owner: await app.signIn(),
  stranger: await app.signIn(),
  support: await app.signIn({ role: 'support' }),
  catalog: await app.signIn({ role: 'catalog' }),
  warehouse: await app.signIn({ role: 'warehouse' }),
  finance: await app.signIn({ role: 'finance' }),
  admin: await app.signIn({ role: 'admin' }),
};

type RealOrder = { id: string; lineIds: Record<string, string>; paymentId: string | null; parcelIds: string[] };
type Real = { skus: string[]; orders: RealOrder[] };

/** How often each deed had each verdict. */
const reached = new Map<string, number>();

class Step implements fc.AsyncCommand<Model, Real> {
  private readonly deed: Deed;
  private readonly isRepeated: boolean;

  constructor(deed: Deed, isRepeated: boolean) {
    this.deed = deed;
    this.isRepeated = isRepeated;
  }

  check(model: Readonly<Model>): boolean {
    const { deed } = this;
    if (deed.kind === 'place') return deed.quantities.some((quantity) => quantity > 0);
    if (model.orders.length === 0) return false;
    const order = orderOf(model, deed);
    // What is not there has no id to be asked for, and an empty list is malformed: tests elsewhere.
    if (deed.kind === 'deliver') return order.parcels.length > 0;
    if (deed.kind === 'void' || deed.kind === 'capture')
      return order.status !== 'pending_payment' && order.paymentStatus !== 'unpaid';
    const parts = 'parts' in deed ? deed.parts : null;
    return parts === null || order.lines.some(({ good }) => (parts[good] ?? 0) > 0);
  }

  async run(model: Model, real: Real): Promise<void> {
    const { deed } = this;
    const expected = decide(model, deed);
    reached.set(`${deed.kind} ${expected.status}`, (reached.get(`${deed.kind} ${expected.status}`) ?? 0) + 1);
    const answer = await carryOut(model, real, deed, this.isRepeated);
    expect({ status: answer.status, code: expected.code && answer.code }).toEqual({ code: undefined, ...expected });
    await app.dispatch();
    await compare(model, real);
  }

  toString = (): string => `${JSON.stringify(this.deed)}${this.isRepeated ? ' twice' : ''}`;
}

type Answer = { status: number; code: string | undefined };

async function carryOut(model: Model, real: Real, deed: Deed, isRepeated: boolean): Promise<Answer> {
  if (deed.kind === 'expire') return expire(theRealOne(real, deed));
  const { path, body, who } = requestOf(model, real, deed);
  const header = key();
  const post = () => app.api.post(`/api/v1${path}`).set(people[who].auth).set(header).send(body);
  const { status, body: answer } = await post();
  if (isRepeated) expect((await post()).status).toBe(status);
  if (status === 201 || answer.paymentId !== undefined) remember(real, deed, answer as Made);
  return { status, code: answer.code as string | undefined };
}

async function expire({ id }: RealOrder): Promise<Answer> {
  await app.sql(
    `UPDATE orders.orders SET expires_at = now() - interval '1 second' WHERE id = $1 AND expires_at IS NOT NULL`,
    [id],
  );
  await app.runJob('orders.expire');
  return { status: 0, code: undefined };
}

function theRealOne({ orders }: Real, { order }: { order: number }): RealOrder {
  const found = orders[order % orders.length];
  if (found === undefined) throw new Error('there is no order yet');
  return found;
}

type Sent = { path: string; body: object; who: Who };

function requestOf(model: Model, real: Real, deed: Exclude<Deed, { kind: 'expire' }>): Sent {
  if (deed.kind === 'place')
    return { path: '/orders', body: { lines: linesOf(real.skus, deed.quantities) }, who: 'owner' };
  const { who } = deed;
  const { id, paymentId, parcelIds } = theRealOne(real, deed);
  switch (deed.kind) {
    case 'pay':
      return {
        path: `/orders/${id}/payments`,
        body: { token: deed.isGood ? 'tok_ok' : 'tok_declined', capture: deed.captures },
        who,
      };
    case 'cancel':
      return { path: `/orders/${id}/cancellation`, body: {}, who };
    case 'void':
    case 'capture':
      return { path: `/payments/${paymentId}/${deed.kind}`, body: {}, who };
    case 'fulfil':
      return { path: `/orders/${id}/fulfillments`, body: partsOf(model, real, deed), who };
    case 'deliver':
      return { path: `/fulfillments/${parcelIds[deed.parcel % parcelIds.length]}/delivery`, body: {}, who };
    case 'refund':
      return { path: `/orders/${id}/refunds`, body: { reason: 'A walk', ...wishOf(model, real, deed) }, who };
  }
}

const linesOf = (skus: string[], quantities: number[]) =>
  skus.map((sku, i) => ({ sku, quantity: quantities[i] ?? 0 })).filter(({ quantity }) => quantity > 0);

/** Only lines that the order has. */
function partsOf(model: Model, real: Real, deed: { order: number; parts: number[] | null }): { lines?: object[] } {
  const { parts } = deed;
  if (parts === null) return {};
  const { lineIds } = theRealOne(real, deed);
  const lines = orderOf(model, deed).lines.map(({ good }) => ({
    lineId: lineIds[real.skus[good] ?? ''],
    quantity: parts[good] ?? 0,
  }));
  return { lines: lines.filter(({ quantity }) => quantity > 0) };
}

function wishOf(model: Model, real: Real, deed: Deed & { kind: 'refund' }): object {
  if (deed.parts !== null) return { ...partsOf(model, real, deed), restock: deed.restock };
  return deed.amount === null ? {} : { amount: { amount: deed.amount, currency: 'EUR' } };
}

type Made = { paymentId?: string; data?: { id: string; lines?: { id: string; sku: string }[] } };

function remember(real: Real, deed: Deed, { data, paymentId }: Made): void {
  if (deed.kind === 'place' && data !== undefined) {
    const lineIds = Object.fromEntries((data.lines ?? []).map(({ id, sku }) => [sku, id]));
    real.orders.push({ id: data.id, lineIds, paymentId: null, parcelIds: [] });
  }
  if (deed.kind === 'pay') theRealOne(real, deed).paymentId = data?.id ?? paymentId ?? null;
  if (deed.kind === 'fulfil' && data !== undefined) theRealOne(real, deed).parcelIds.push(data.id);
}

async function compare({ goods, orders }: Model, real: Real): Promise<void> {
  const seen = await Promise.all(real.orders.map(({ id }) => look(id)));
  expect(seen).toEqual(
    orders.map(({ status, paymentStatus, fulfillmentStatus, total, captured, refunded }) => ({
      status,
      paymentStatus,
      fulfillmentStatus,
      total,
      captured,
      refunded,
    })),
  );
  const levels = goods.map(({ onHand, reserved }) => ({ onHand, reserved }));
  expect(await stockOf(real, 'level')).toEqual(levels);
  expect(await stockOf(real, 'ledger')).toEqual(levels);
}

async function look(id: string): Promise<object> {
  const { body } = await app.api.get(`/api/v1/orders/${id}`).set(people.admin.auth).expect(200);
  const { status, paymentStatus, fulfillmentStatus, total } = body.data as Record<string, string> & {
    total: { amount: number };
  };
  const [money] = await app.sql(
    `SELECT coalesce(sum(captured_minor), 0)::int AS captured, coalesce(sum(refunded_minor), 0)::int AS refunded
     FROM payments.payments WHERE order_id = $1`,
    [id],
  );
  return { status, paymentStatus, fulfillmentStatus, total: total.amount, ...money };
}

const stockQueries = {
  level: 'SELECT sku, on_hand AS "onHand", reserved FROM catalog.stock WHERE sku = ANY ($1)',
  ledger: `SELECT sku, sum(on_hand_delta)::int AS "onHand", sum(reserved_delta)::int AS reserved
    FROM catalog.stock_movements WHERE sku = ANY ($1) GROUP BY sku`,
};

async function stockOf({ skus }: Real, source: keyof typeof stockQueries): Promise<object[]> {
  const rows = await app.sql<{ sku: string; onHand: number; reserved: number }>(stockQueries[source], [skus]);
  return skus.map((sku) => {
    const { onHand = NaN, reserved = NaN } = rows.find((row) => row.sku === sku) ?? {};
    return { onHand, reserved };
  });
}

async function begin(): Promise<{ model: Model; real: Real }> {
  const model = newModel();
  const made = await Promise.all(model.goods.map((good) => app.sellable(good)));
  return { model, real: { skus: made.map(({ sku }) => sku), orders: [] } };
}

const everybody = fc.constantFrom<Who>('owner', 'stranger', 'support', 'catalog', 'warehouse', 'finance', 'admin');
/** Mostly who may, so that the walks get somewhere. */
const mostly = (...whos: Who[]) =>
  fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...whos) }, { weight: 1, arbitrary: everybody });
const order = fc.nat(2);
const quantities = fc.tuple(fc.nat(4), fc.nat(3));
const parts = fc.option(quantities, { freq: 2 });

const deeds: Record<string, fc.Arbitrary<Deed>> = {
  placeOrder: fc.record({ kind: fc.constant('place'), quantities }),
  createPayment: fc.record({
    kind: fc.constant('pay'),
    order,
    who: mostly('owner'),
    isGood: fc.integer({ min: 0, max: 3 }).map((die) => die > 0),
    captures: fc.boolean(),
  }),
  cancelOrder: fc.record({ kind: fc.constant('cancel'), order, who: mostly('owner', 'support') }),
  getOrder: fc.record({ kind: fc.constant('expire'), order }),
  voidPayment: fc.record({ kind: fc.constant('void'), order, who: mostly('finance') }),
  capturePayment: fc.record({ kind: fc.constant('capture'), order, who: mostly('finance') }),
  fulfilOrder: fc.record({ kind: fc.constant('fulfil'), order, who: mostly('warehouse'), parts }),
  deliverFulfillment: fc.record({ kind: fc.constant('deliver'), order, who: mostly('warehouse'), parcel: fc.nat(1) }),
  createRefund: fc.record({
    kind: fc.constant('refund'),
    order,
    who: mostly('finance'),
    amount: fc.option<number>(fc.integer({ min: 1, max: 3000 })),
    parts,
    restock: fc.boolean(),
  }),
};

/** What leads to the others, more often. */
const weights: Record<string, number> = {
  placeOrder: 3,
  createPayment: 5,
  fulfilOrder: 4,
  createRefund: 3,
  getOrder: 1,
};

const steps = fc
  .tuple(
    fc.oneof(
      ...Object.entries(deeds)
        .filter(([operationId]) => known.has(operationId))
        .map(([operationId, arbitrary]) => ({ weight: weights[operationId] ?? 2, arbitrary })),
    ),
    fc.integer({ min: 0, max: 4 }).map((die) => die === 0),
  )
  .map(([deed, isRepeated]) => new Step(deed, isRepeated));

/** Two orders to begin with, one of them paid: what one does must not show in the other. */
const beginning = [
  new Step({ kind: 'place', quantities: [2, 1] }, false),
  new Step({ kind: 'place', quantities: [1, 2] }, false),
  new Step({ kind: 'pay', order: 0, who: 'owner', isGood: true, captures: false }, false),
];
const walks = fc.array(steps, { minLength: 8, maxLength: 30, size: 'max' });

test(`${RUNS} walks, seed ${SEED}: statuses, stock, ledger and money are the model’s after every step`, async () => {
  const walk = fc.asyncProperty(walks, async (commands) => {
    const { model, real } = await begin();
    await fc.asyncModelRun(() => ({ model, real }), [...beginning, ...commands]);
  });
  await fc.assert(walk, { seed: SEED, numRuns: RUNS });
}, 3_600_000);

test('the walks came everywhere: each deed was done, and many were refused', () => {
  const outcomes = [...reached.keys()];
  const kindsDone = new Set(outcomes.filter((one) => / (0|2..)$/.test(one)).map((one) => one.split(' ', 1)[0]));
  expect(kindsDone.size).toBe(Object.keys(deeds).filter((id) => known.has(id)).length);
  expect(outcomes.filter((one) => / 4..$/.test(one)).length).toBeGreaterThanOrEqual(12);
});
