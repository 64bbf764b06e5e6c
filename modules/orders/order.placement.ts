// The one door from the decision to place an order to SQL: what goes in is a finished order, what comes out is its fate.
import { Batcher } from '../../shared/batching/batcher.ts';
import { retrying, type Connection } from '../../shared/database/database.ts';
import { isOutage } from '../../shared/database/database-errors.ts';
import type { Audit } from '../../shared/domain/audit.ts';
import { newId } from '../../shared/domain/ids.ts';
import type { Actor } from '../../shared/http/actor.ts';
import type { IdempotencyKey } from '../../shared/idempotency/idempotency-key.ts';
import type { Claim } from '../../shared/idempotency/idempotency.ts';
import { currentRequestId } from '../../shared/logging/request-context.ts';
import type { Quote, QuotedLine, ShippingAddress } from './order.ts';
import { presentQuote, type OrderView } from './order.view.ts';

export type NewOrder = {
  id: string;
  customerId: string;
  actor: Actor;
  quote: Quote;
  shippingAddress: ShippingAddress | null;
  note: string | null;
};

export type Fate = { outcome: 'placed'; view: OrderView } | Refused;

/** As SQL tells it: of an order that was placed, what only the database knows. */
type RawFate = ({ outcome: 'placed' } & Pick<OrderView, 'number' | 'placedAt'> & { expiresAt: string }) | Refused;

type Refused =
  /** A price or tax rate is not the quoted one any more. */
  | { outcome: 'changed' }
  /** The account is not active any more: disabled or deleted while the order was quoted. */
  | { outcome: 'customer_gone' }
  | { outcome: 'short'; lines: { sku: string; available: number }[] }
  | { outcome: Exclude<Claim['state'], 'new'>; stored: Claim['outcome'] };

const initial = { status: 'pending_payment', paymentStatus: 'unpaid', fulfillmentStatus: 'unfulfilled' } as const;

type Deps = {
  database: Connection;
  audit: Audit;
  /** So many orders at most are placed by one statement. */
  batchMax: number;
  reservationTtlMs: number;
  keyTtlMs: number;
};

/** Orders that arrive while others are being placed are placed together by the next statement: see migrations/0005_together.sql. */
export class OrderPlacement {
  private readonly deps: Deps;
  private readonly batcher: Batcher<Placing, RawFate>;

  constructor(deps: Deps) {
    this.deps = deps;
    this.batcher = new Batcher({ run: (batch) => this.placeAll(batch), max: deps.batchMax, isOfAll: isOutage });
  }

  /** One round trip, one commit, in company or alone. Anything but 'placed' changed nothing. */
  async place(order: NewOrder, key: IdempotencyKey): Promise<Fate> {
    const lines = order.quote.lines.map((line) => ({ id: newId(), ...line }));
    const view = viewOf(order, lines);
    const { id, actor } = order;
    const entry = { actor, action: 'order.placed', subject: { type: 'order', id }, after: view } as const;
    const fate = await this.batcher.add({
      order: { ...orderOf(order), ...key, audit: this.deps.audit.prepare(entry) },
      lines: lines.map((line, i) => lineOf(order, line, i + 1)),
      view: JSON.stringify(view),
    });
    if (fate.outcome !== 'placed') return fate;
    const { number, placedAt, expiresAt } = fate;
    return { outcome: 'placed', view: { ...view, number, placedAt, expiresAt } };
  }

  private async placeAll(batch: Placing[]): Promise<RawFate[]> {
    const { database, reservationTtlMs, keyTtlMs } = this.deps;
    const values = [
      JSON.stringify(batch.map(({ order }, i) => ({ position: i + 1, ...order }))),
      JSON.stringify(batch.flatMap(({ lines }) => lines)),
      batch.map(({ view }) => view),
      reservationTtlMs,
      keyTtlMs,
    ];
    const { rows } = await retrying(() => database.query<{ fates: RawFate[] }>(PLACE_ALL, values));
    return rows[0]?.fates ?? [];
  }
}

/** One JSON document: an array of them is taken apart letter by letter. */
const PLACE_ALL = 'SELECT to_json(orders.place_all($1, $2, $3, $4, $5)) AS fates';

type Placing = { order: object; lines: object[]; view: string };
type NewLine = QuotedLine & { id: string };

function orderOf({ id, customerId, actor, quote, shippingAddress, note }: NewOrder) {
  const { currency, subtotalAmount, taxAmount, totalAmount } = quote;
  return {
    id,
    customerId,
    ...initial,
    currency,
    subtotal: subtotalAmount,
    tax: taxAmount,
    total: totalAmount,
    shippingAddress,
    note,
    actorKind: actor.kind,
    actorId: actor.userId,
    requestId: currentRequestId() ?? null,
    factId: newId(),
  };
}

const lineOf = (
  { id: orderId, quote: { currency } }: NewOrder,
  { id, sku, title, quantity, unitAmount, taxRateBps, taxAmount, totalAmount }: NewLine,
  position: number,
) => ({
  id, orderId, position, sku, title, quantity, amount: unitAmount, currency, taxRateBps, tax: taxAmount, total: totalAmount,
}); // prettier-ignore

/** The answer but for what only the database knows: number, placedAt, expiresAt. */
function viewOf(
  { id, customerId, quote, shippingAddress, note }: NewOrder,
  newLines: NewLine[],
): Omit<OrderView, 'number' | 'placedAt' | 'expiresAt'> {
  const { lines, ...totals } = presentQuote(quote);
  return {
    id,
    customerId,
    ...initial,
    lines: lines.map((line, i) => ({ id: newLines[i]?.id ?? '', ...line })),
    ...totals,
    shippingAddress,
    note,
    cancelReason: null,
    version: 1,
  };
}
