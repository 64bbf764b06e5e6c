// What an order and a quote look like from outside, field by field.
import { z } from 'zod';
import { id, money, shippingAddress, timestamp, version } from '../../shared/http/schemas.ts';
import type { Quote, QuotedLine } from './order.ts';
import type { OrderRow, LineRow } from './order.repository.ts';

const quotedLineView = z.object({
  sku: z.string(),
  title: z.string(),
  quantity: z.int(),
  unitPrice: money,
  tax: money,
  total: money,
});

export const quoteView = z
  .object({ currency: z.string(), lines: z.array(quotedLineView), subtotal: money, tax: money, total: money })
  .meta({ id: 'Quote' });

export const orderView = z
  .object({
    id,
    number: z.string().meta({ examples: ['W-1042'] }),
    customerId: id,
    status: z.enum(['pending_payment', 'confirmed', 'fulfilled', 'completed', 'cancelled', 'expired']),
    paymentStatus: z.enum([
      'unpaid', 'processing', 'authorized', 'paid', 'void_pending', 'voided', 'refund_pending', 'partially_refunded', 'refunded',
    ]), // prettier-ignore
    fulfillmentStatus: z.enum(['unfulfilled', 'partially_fulfilled', 'fulfilled', 'delivered']),
    currency: z.string(),
    lines: z.array(quotedLineView.extend({ id })),
    subtotal: money,
    tax: money,
    total: money,
    shippingAddress: shippingAddress.nullable(),
    note: z.string().nullable(),
    cancelReason: z.string().nullable(),
    placedAt: timestamp,
    expiresAt: timestamp.nullable().meta({ description: 'When the reservation ends; null unless pending_payment' }),
    version,
  })
  .meta({ id: 'Order' });

export type QuoteView = z.output<typeof quoteView>;
export type OrderView = z.output<typeof orderView>;

export function presentQuote(quote: Quote): QuoteView {
  const { currency, lines } = quote;
  return { currency, lines: lines.map((line) => presentLine(line, currency)), ...totalsOf(quote) };
}

/** Field by field down to the last: a spread costs more than all else here, and an export does this 100,000 times. */
export function presentOrder(order: OrderRow, lines: LineRow[]): OrderView {
  const { currency } = order;
  const { subtotal, tax, total } = totalsOf(order);
  return {
    id: order.id,
    number: `W-${order.number}`,
    customerId: order.customerId,
    status: order.status,
    paymentStatus: order.paymentStatus,
    fulfillmentStatus: order.fulfillmentStatus,
    currency,
    lines: lines.map((line) => presentOrderLine(line, currency)),
    subtotal,
    tax,
    total,
    shippingAddress: order.shippingAddress,
    note: order.note,
    cancelReason: order.cancelReason,
    placedAt: order.placedAt.toISOString(),
    expiresAt: order.expiresAt?.toISOString() ?? null,
    version: order.version,
  };
}

export function presentOrders(orders: OrderRow[], lines: LineRow[]): OrderView[] {
  const byOrder = new Map(orders.map(({ id }): [string, LineRow[]] => [id, []]));
  for (const line of lines) byOrder.get(line.orderId)?.push(line);
  return orders.map((order) => presentOrder(order, byOrder.get(order.id) ?? []));
}

type Totals = Pick<Quote, 'currency' | 'subtotalAmount' | 'taxAmount' | 'totalAmount'>;

const totalsOf = ({ currency, subtotalAmount, taxAmount, totalAmount }: Totals) => ({
  subtotal: { amount: subtotalAmount, currency },
  tax: { amount: taxAmount, currency },
  total: { amount: totalAmount, currency },
});

function presentOrderLine(line: LineRow, currency: string) {
  const { sku, title, quantity, unitPrice, tax, total } = presentLine(line, currency);
  return { id: line.id, sku, title, quantity, unitPrice, tax, total };
}

function presentLine({ sku, title, quantity, unitAmount, taxAmount, totalAmount }: QuotedLine, currency: string) {
  return {
    sku,
    title,
    quantity,
    unitPrice: { amount: unitAmount, currency },
    tax: { amount: taxAmount, currency },
    total: { amount: totalAmount, currency },
  };
}
