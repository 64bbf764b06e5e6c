// The one door from the decision to place an order to SQL: what goes in is a finished order, what comes out is its fate.
import type { Connection } from '../../shared/database/database.ts';
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
  reservationTtlMs: number;
};

export type Fate =
  | { outcome: 'placed'; view: OrderView }
  /** A price or tax rate is not the quoted one any more. */
  | { outcome: 'changed' }
  /** The account is not active any more: disabled or deleted while the order was quoted. */
  | { outcome: 'customer_gone' }
  | { outcome: 'short'; lines: { sku: string; available: number }[] }
  | { outcome: Exclude<Claim['state'], 'new'>; stored: Claim['outcome'] };

const initial = { status: 'pending_payment', paymentStatus: 'unpaid', fulfillmentStatus: 'unfulfilled' } as const;

/** The customer's account is held first, so that it cannot be deleted between our look at it and our commit. */
const PLACE = `SELECT CASE WHEN users.hold_active($3) THEN orders.place($1, $2) ELSE '{"outcome":"customer_gone"}' END AS fate`;

/** One round trip, one commit: see migrations/0004_timeline.sql. Anything but 'placed' changed nothing. */
export async function placeOrder(
  connection: Connection,
  order: NewOrder,
  key: IdempotencyKey & { ttlMs: number },
  audit: Audit,
): Promise<Fate> {
  const lines = order.quote.lines.map((line) => ({ id: newId(), ...line }));
  const view = viewOf(order, lines);
  const entry = audit.prepare({
    actor: order.actor,
    action: 'order.placed',
    subject: { type: 'order', id: order.id },
    after: view,
  });
  const command = { ...commandOf(order, lines, key), audit: entry };
  const values = [JSON.stringify(command), JSON.stringify(view), order.customerId];
  const { rows } = await connection.query<{ fate: Fate }>(PLACE, values);
  const [row] = rows;
  if (row === undefined) throw new Error('orders.place answered no row');
  return row.fate;
}

type NewLine = QuotedLine & { id: string };

function commandOf(order: NewOrder, lines: NewLine[], key: IdempotencyKey & { ttlMs: number }) {
  const { id, customerId, actor, quote, shippingAddress, note, reservationTtlMs } = order;
  const { currency, subtotalAmount, taxAmount, totalAmount } = quote;
  return {
    key,
    actorKind: actor.kind,
    actorId: actor.userId,
    requestId: currentRequestId() ?? null,
    factId: newId(),
    reservationTtlMs,
    order: {
      id,
      customerId,
      ...initial,
      currency,
      subtotal: subtotalAmount,
      tax: taxAmount,
      total: totalAmount,
      shippingAddress,
      note,
    },
    lines: lines.map((line, i) => lineOf(line, currency, i + 1)),
  };
}

const lineOf = ({ id, sku, title, quantity, unitAmount, taxRateBps, taxAmount, totalAmount }: NewLine, currency: string, position: number) => ({
  id, position, sku, title, quantity, amount: unitAmount, currency, taxRateBps, tax: taxAmount, total: totalAmount,
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
