// What should become of an order, its stock and its money, told again in as few words as possible: the server has to agree with it at each step.

export type Who = 'owner' | 'stranger' | 'support' | 'catalog' | 'warehouse' | 'finance' | 'admin';

/** Something somebody does; `order` and `parcel` count what was made before. Parts and lines are quantities of both goods. */
export type Deed =
  | { kind: 'place'; quantities: number[] }
  | { kind: 'pay'; order: number; who: Who; isGood: boolean; captures: boolean }
  | { kind: 'cancel' | 'void' | 'capture'; order: number; who: Who }
  | { kind: 'expire'; order: number }
  | { kind: 'fulfil'; order: number; who: Who; parts: number[] | null }
  | { kind: 'deliver'; order: number; who: Who; parcel: number }
  | { kind: 'refund'; order: number; who: Who; amount: number | null; parts: number[] | null; restock: boolean };

type Line = {
  good: number;
  quantity: number;
  total: number;
  sent: number;
  back: number;
  restocked: number;
  given: number;
};
type Order = {
  status: string;
  paymentStatus: string;
  fulfillmentStatus: string;
  lines: Line[];
  parcels: ('shipped' | 'delivered')[];
  total: number;
  captured: number;
  refunded: number;
};
export type Good = { amount: number; taxRateBps: number; onHand: number; reserved: number };
export type Model = { goods: Good[]; orders: Order[] };

/** What the server should answer. */
type Verdict = { status: number; code?: string };

const done = (status: number): Verdict => ({ status });
const refused = (status: number, code: string): Verdict => ({ status, code });

export const newModel = (): Model => ({
  goods: [
    { amount: 1000, taxRateBps: 0, onHand: 6, reserved: 0 },
    { amount: 333, taxRateBps: 1900, onHand: 4, reserved: 0 },
  ],
  orders: [],
});

const permitted: Record<Exclude<Deed['kind'], 'place' | 'expire'>, Who[]> = {
  pay: ['owner'],
  cancel: ['owner', 'support', 'admin'],
  fulfil: ['warehouse', 'admin'],
  deliver: ['warehouse', 'admin'],
  void: ['finance', 'admin'],
  capture: ['finance', 'admin'],
  refund: ['finance', 'admin'],
};
/** Those who may do it with what is theirs, and are not the owner, do not even see it. */
const blind: Partial<Record<Deed['kind'], Who[]>> = { pay: ['stranger', 'admin'], cancel: ['stranger'] };

/** Carries the deed out in the model. */
export function decide(model: Model, deed: Deed): Verdict {
  if (deed.kind === 'place') return place(model, deed.quantities);
  const order = orderOf(model, deed);
  if (deed.kind === 'expire') return expire(model, order);
  if (blind[deed.kind]?.includes(deed.who)) return done(404);
  if (!permitted[deed.kind].includes(deed.who)) return refused(403, 'permission_denied');
  switch (deed.kind) {
    case 'pay':
      return pay(order, deed);
    case 'cancel':
      return cancel(model, order);
    case 'void':
      return settleAuthorized(order, () => (order.paymentStatus = 'voided'));
    case 'capture':
      return settleAuthorized(order, () => takeMoney(order));
    case 'fulfil':
      return fulfil(model, order, deed.parts);
    case 'deliver':
      return deliver(order, deed.parcel);
    case 'refund':
      return refund(model, order, deed);
  }
}

export function orderOf({ orders }: Model, { order }: { order: number }): Order {
  const found = orders[order % orders.length];
  if (found === undefined) throw new Error('there is no order yet');
  return found;
}

function place({ goods, orders }: Model, quantities: number[]): Verdict {
  const wanted = goods
    .map((good, i) => ({ good, i, quantity: quantities[i] ?? 0 }))
    .filter(({ quantity }) => quantity > 0);
  if (wanted.some(({ good, quantity }) => quantity > good.onHand - good.reserved))
    return refused(422, 'insufficient_stock');
  for (const { good, quantity } of wanted) good.reserved += quantity;
  const lines = wanted.map(({ good, i, quantity }) => newLine(i, quantity, good));
  const total = lines.reduce((sum, line) => sum + line.total, 0);
  const statuses = { status: 'pending_payment', paymentStatus: 'unpaid', fulfillmentStatus: 'unfulfilled' };
  orders.push({ ...statuses, lines, parcels: [], total, captured: 0, refunded: 0 });
  return done(201);
}

function newLine(good: number, quantity: number, { amount, taxRateBps }: Good): Line {
  const net = quantity * amount;
  const total = net + Math.floor((net * taxRateBps + 5000) / 10_000);
  return { good, quantity, total, sent: 0, back: 0, restocked: 0, given: 0 };
}

function pay(order: Order, { isGood, captures }: { isGood: boolean; captures: boolean }): Verdict {
  if (order.status !== 'pending_payment') return refused(409, 'order_status_forbidden');
  if (!isGood) return refused(402, 'payment_declined');
  order.status = 'confirmed';
  order.paymentStatus = 'authorized';
  if (captures) takeMoney(order);
  return done(201);
}

function takeMoney(order: Order): void {
  order.paymentStatus = 'paid';
  order.captured = order.total;
}

function expire(model: Model, order: Order): Verdict {
  if (order.status !== 'pending_payment') return done(0);
  order.status = 'expired';
  release(model, order);
  return done(0);
}

function cancel(model: Model, order: Order): Verdict {
  const isPossible =
    ['pending_payment', 'confirmed'].includes(order.status) && order.fulfillmentStatus === 'unfulfilled';
  if (!isPossible) return refused(409, 'order_status_forbidden');
  order.status = 'cancelled';
  release(model, order);
  if (order.paymentStatus === 'authorized') order.paymentStatus = 'voided';
  if (order.captured > 0) giveBack(order, order.captured - order.refunded);
  return done(200);
}

function release({ goods }: Model, { lines }: Order): void {
  for (const { good, quantity } of lines) take(goods, good).reserved -= quantity;
}

function take(goods: Good[], i: number): Good {
  const good = goods[i];
  if (good === undefined) throw new Error(`there is no good ${i}`);
  return good;
}

function giveBack(order: Order, amount: number): void {
  order.refunded += amount;
  order.paymentStatus = order.refunded === order.captured ? 'refunded' : 'partially_refunded';
}

function settleAuthorized(order: Order, settle: () => void): Verdict {
  if (order.paymentStatus !== 'authorized') return refused(409, 'payment_status_forbidden');
  settle();
  return done(200);
}

function fulfil({ goods }: Model, order: Order, parts: number[] | null): Verdict {
  if (order.status !== 'confirmed') return refused(409, 'order_status_forbidden');
  if (!['authorized', 'paid', 'partially_refunded'].includes(order.paymentStatus))
    return refused(409, 'order_not_paid');
  const sending = order.lines.map((line) => (parts === null ? line.quantity - line.sent : (parts[line.good] ?? 0)));
  if (order.lines.some((line, i) => (sending[i] ?? 0) > line.quantity - line.sent))
    return refused(422, 'fulfillment_exceeds_ordered');
  for (const [i, line] of order.lines.entries()) send(line, take(goods, line.good), sending[i] ?? 0);
  order.parcels.push('shipped');
  const isWhole = order.lines.every(({ sent, quantity }) => sent === quantity);
  order.fulfillmentStatus = isWhole ? 'fulfilled' : 'partially_fulfilled';
  if (isWhole) order.status = 'fulfilled';
  if (isWhole && order.paymentStatus === 'authorized') takeMoney(order);
  return done(201);
}

function send(line: Line, good: Good, quantity: number): void {
  line.sent += quantity;
  good.onHand -= quantity;
  good.reserved -= quantity;
}

function deliver(order: Order, parcel: number): Verdict {
  const i = parcel % order.parcels.length;
  if (order.parcels[i] === 'delivered') return refused(409, 'fulfillment_status_forbidden');
  order.parcels[i] = 'delivered';
  const isOver = order.status === 'fulfilled' && order.parcels.every((one) => one === 'delivered');
  if (isOver) Object.assign(order, { status: 'completed', fulfillmentStatus: 'delivered' });
  return done(200);
}

type Wish = { amount: number | null; parts: number[] | null; restock: boolean };

function refund({ goods }: Model, order: Order, { amount, parts, restock }: Wish): Verdict {
  if (order.captured === 0) return refused(409, 'payment_status_forbidden');
  const left = order.captured - order.refunded;
  if (parts === null) return refundAmount(order, amount ?? left, left);
  const named = order.lines
    .map((line) => ({ line, quantity: parts[line.good] ?? 0 }))
    .filter(({ quantity }) => quantity > 0);
  for (const { line, quantity } of named) {
    if (quantity > line.quantity - line.back) return refused(422, 'refund_exceeds_ordered');
    if (restock && quantity > line.sent - line.restocked) return refused(422, 'restock_exceeds_shipped');
  }
  const shares = named.map(({ line, quantity }) => shareOf(line, quantity));
  const sum = shares.reduce((total, share) => total + share, 0);
  if (sum > left) return refused(422, 'refund_exceeds_captured');
  for (const [i, { line, quantity }] of named.entries())
    bringBack(line, take(goods, line.good), quantity, shares[i] ?? 0, restock);
  giveBack(order, sum);
  return done(201);
}

function refundAmount(order: Order, amount: number, left: number): Verdict {
  if (left === 0 || amount > left) return refused(422, 'refund_exceeds_captured');
  giveBack(order, amount);
  return done(201);
}

/** Half up, so that the parts of a line sum to its total. */
const shareOf = ({ quantity, total, back, given }: Line, more: number): number =>
  Math.floor((2 * (back + more) * total + quantity) / (2 * quantity)) - given;

function bringBack(line: Line, good: Good, quantity: number, share: number, restock: boolean): void {
  line.back += quantity;
  line.given += share;
  if (!restock) return;
  line.restocked += quantity;
  good.onHand += quantity;
}
