// Orders in PostgreSQL: rows in, rows out, over the pool or a caller's transaction.
import type { Connection } from '../../shared/database/database.ts';
import type { Actor } from '../../shared/http/actor.ts';
import { currentRequestId } from '../../shared/logging/request-context.ts';
import {
  orderStatuses,
  type OrderState,
  type OrderStatus,
  type PaymentStatus,
  type FulfillmentStatus,
  type QuotedLine,
  type ShippingAddress,
} from './order.ts';

export type OrderRow = {
  id: string;
  number: string;
  customerId: string;
  status: OrderStatus;
  paymentStatus: PaymentStatus;
  fulfillmentStatus: FulfillmentStatus;
  currency: string;
  subtotalAmount: number;
  taxAmount: number;
  totalAmount: number;
  shippingAddress: ShippingAddress | null;
  note: string | null;
  cancelReason: string | null;
  placedAt: Date;
  expiresAt: Date | null;
  version: number;
};
export type LineRow = QuotedLine & { id: string; orderId: string; fulfilledQuantity: number };
export type WholeOrder = { order: OrderRow; lines: LineRow[] };

/** bigint comes as text: pg does not guess that ours are below 2^53, we know it (order.ts). */
type RawOrder = Omit<OrderRow, 'subtotalAmount' | 'taxAmount' | 'totalAmount'> &
  Record<'subtotalAmount' | 'taxAmount' | 'totalAmount', string>;
type RawLine = Omit<LineRow, 'unitAmount' | 'taxAmount' | 'totalAmount'> &
  Record<'unitAmount' | 'taxAmount' | 'totalAmount', string>;

const columns = `id, number, customer_id AS "customerId", status, payment_status AS "paymentStatus",
  fulfillment_status AS "fulfillmentStatus", currency, subtotal_amount AS "subtotalAmount", tax_amount AS "taxAmount",
  total_amount AS "totalAmount", shipping_address AS "shippingAddress", note, cancel_reason AS "cancelReason",
  placed_at AS "placedAt", expires_at AS "expiresAt", version`;

export type OrderFilter = {
  status?: OrderStatus | undefined;
  customerId?: string | undefined;
  createdAfter?: string | undefined;
  createdBefore?: string | undefined;
};
type OrderPage = OrderFilter & {
  /** Whose orders may be seen at all; absent: everybody's. */
  ownerId: string | undefined;
  /** The last one of the page before. */
  before: { placedAt: string; id: string } | undefined;
  limit: number;
};

/** `actor`: null when a job or a payment did it. */
type NewTransition = {
  orderId: string;
  action: string;
  from: OrderStatus;
  to: OrderStatus;
  actor: Pick<Actor, 'kind' | 'userId'> | null;
  fulfillmentId?: string | undefined;
};

export class OrderRepository {
  async find(connection: Connection, id: string): Promise<OrderRow | null> {
    const { rows } = await connection.query<RawOrder>(`SELECT ${columns} FROM orders.orders WHERE id = $1`, [id]);
    return rows.map(toOrder)[0] ?? null;
  }

  /**
   * Orders and their lines of one moment, in one trip, in any order. Amounts in JSON are numbers, and exact. How many they are is kept from
   * PostgreSQL: it would find the plan for ten dear when it knows of one, and plan anew each time, which is half of the work.
   */
  async findWhole(connection: Connection, ids: string[]): Promise<WholeOrder[]> {
    const { rows } = await connection.query<RawOrder & { lines: LineRow[] }>(
      `SELECT ${columns},
         (SELECT json_agg(json_build_object('id', l.id, 'orderId', l.order_id, 'sku', l.sku, 'title', l.title, 'quantity', l.quantity,
            'unitAmount', l.unit_amount, 'taxRateBps', l.tax_rate_bps, 'taxAmount', l.tax_amount, 'totalAmount', l.total_amount,
            'fulfilledQuantity', l.fulfilled_quantity) ORDER BY l.position)
          FROM orders.lines l WHERE l.order_id = o.id) AS lines
       FROM orders.orders o WHERE id = ANY (ARRAY(SELECT unnest($1::uuid[])))`,
      [ids],
    );
    return rows.map(({ lines, ...order }) => ({ order: toOrder(order), lines }));
  }

  /** Holds the order until the transaction ends; `isOverdue` by the database's clock. */
  async lock(connection: Connection, id: string): Promise<(OrderRow & { isOverdue: boolean }) | null> {
    const { rows } = await connection.query<RawOrder & { isOverdue: boolean }>(
      `SELECT ${columns}, coalesce(expires_at <= now(), false) AS "isOverdue" FROM orders.orders WHERE id = $1 FOR UPDATE`,
      [id],
    );
    return rows.map((row) => ({ ...toOrder(row), isOverdue: row.isOverdue }))[0] ?? null;
  }

  /** What open orders hold of each SKU: ordered, and not yet sent. */
  async findReserved(connection: Connection): Promise<{ sku: string; quantity: number }[]> {
    const { rows } = await connection.query<{ sku: string; quantity: string }>(
      `SELECT l.sku, sum(l.quantity - l.fulfilled_quantity) AS quantity
       FROM orders.orders o JOIN orders.lines l ON l.order_id = o.id
       WHERE o.status IN ('pending_payment', 'confirmed') GROUP BY l.sku ORDER BY l.sku`,
    );
    return rows.map(({ sku, quantity }) => ({ sku, quantity: Number(quantity) }));
  }

  /** The lines are what was agreed; the caller holds the order. */
  async sumAgain(connection: Connection, id: string): Promise<OrderRow> {
    const { rows } = await connection.query<RawOrder>(
      `UPDATE orders.orders SET version = version + 1, subtotal_amount = agreed.subtotal, tax_amount = agreed.tax, total_amount = agreed.subtotal + agreed.tax
       FROM (SELECT coalesce(sum(l.total_amount - l.tax_amount), 0) AS subtotal, coalesce(sum(l.tax_amount), 0) AS tax
             FROM orders.lines l WHERE l.order_id = $1) agreed
       WHERE id = $1 RETURNING ${columns}`,
      [id],
    );
    const [order] = rows.map(toOrder);
    if (order === undefined) throw new Error(`order ${id} vanished while it was locked`);
    return order;
  }

  async findAwaitingPayment(connection: Connection): Promise<string[]> {
    const { rows } = await connection.query<{ id: string }>(
      `SELECT id FROM orders.orders WHERE status = 'pending_payment'`,
    );
    return rows.map(({ id }) => id);
  }

  async findLines(connection: Connection, orderIds: string[]): Promise<LineRow[]> {
    const { rows } = await connection.query<RawLine>(
      `SELECT id, order_id AS "orderId", sku, title, quantity, unit_amount AS "unitAmount", tax_rate_bps AS "taxRateBps",
         tax_amount AS "taxAmount", total_amount AS "totalAmount", fulfilled_quantity AS "fulfilledQuantity"
       FROM orders.lines WHERE order_id = ANY ($1) ORDER BY order_id, position`,
      [orderIds],
    );
    return rows.map(toLine);
  }

  /** Newest first. */
  async list(connection: Connection, page: OrderPage): Promise<OrderRow[]> {
    const { text, values } = selectionOf(page);
    const { rows } = await connection.query<RawOrder>(text, values);
    return rows.map(toOrder);
  }

  async hasOpen(connection: Connection, customerId: string): Promise<boolean> {
    const { rows } = await connection.query<{ found: boolean }>(
      `SELECT EXISTS (SELECT FROM orders.orders
         WHERE customer_id = $1 AND status IN ('pending_payment', 'confirmed', 'fulfilled')) AS found`,
      [customerId],
    );
    return rows[0]?.found === true;
  }

  /** What a person wrote, and whereto it was sent; a tracking number leads to the address. */
  async anonymise(connection: Connection, customerId: string): Promise<void> {
    await connection.query(
      `UPDATE orders.orders SET shipping_address = NULL, note = NULL, cancel_reason = NULL, version = version + 1
       WHERE customer_id = $1 AND (shipping_address IS NOT NULL OR note IS NOT NULL OR cancel_reason IS NOT NULL)`,
      [customerId],
    );
    await connection.query(
      `UPDATE orders.fulfillments SET tracking_number = NULL
       WHERE tracking_number IS NOT NULL AND order_id IN (SELECT id FROM orders.orders WHERE customer_id = $1)`,
      [customerId],
    );
  }

  /** All of them, newest first; PostgreSQL keeps the place, so that one batch is in memory. `look` is a transaction. */
  async *readAll(look: Connection, filter: OrderFilter, batchSize: number): AsyncGenerator<OrderRow[]> {
    const { text, values } = selectionOf(filter);
    // The first rows soon rather than the last ones: along the indexes, not sorted first.
    await look.query('SET LOCAL enable_sort = off');
    await look.query(`DECLARE all_orders NO SCROLL CURSOR FOR ${text}`, values);
    for (;;) {
      const { rows } = await look.query<RawOrder>(`FETCH ${batchSize} FROM all_orders`);
      if (rows.length === 0) return;
      yield rows.map(toOrder);
    }
  }

  /** Orders whose reservation has run out, oldest first. */
  async findOverdue(connection: Connection, limit: number): Promise<string[]> {
    const { rows } = await connection.query<{ id: string }>(
      `SELECT id FROM orders.orders WHERE status = 'pending_payment' AND expires_at <= now() ORDER BY expires_at LIMIT $1`,
      [limit],
    );
    return rows.map(({ id }) => id);
  }

  async update(
    connection: Connection,
    id: string,
    { status, paymentStatus, fulfillmentStatus, cancelReason }: OrderState & { cancelReason: string | null },
  ): Promise<OrderRow> {
    const { rows } = await connection.query<RawOrder>(
      `UPDATE orders.orders
       SET status = $2, payment_status = $3, fulfillment_status = $4, cancel_reason = $5,
         expires_at = CASE WHEN $2 = 'pending_payment' THEN expires_at END, version = version + 1
       WHERE id = $1 RETURNING ${columns}`,
      [id, status, paymentStatus, fulfillmentStatus, cancelReason],
    );
    const [order] = rows.map(toOrder);
    if (order === undefined) throw new Error(`order ${id} vanished while it was locked`);
    return order;
  }

  async insertTransition(
    connection: Connection,
    { orderId, action, from, to, actor, fulfillmentId }: NewTransition,
  ): Promise<void> {
    await connection.query(
      `INSERT INTO orders.transitions (order_id, action, from_status, to_status, actor_kind, actor_id, fulfillment_id, request_id)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
      [
        orderId,
        action,
        from,
        to,
        actor?.kind ?? null,
        actor?.userId ?? null,
        fulfillmentId ?? null,
        currentRequestId() ?? null,
      ],
    );
  }
}

/** The largest page of the API and one more, so that all pages have one text. A walk is not taken further than the page needs. */
const WALK_MAX = 101;

/**
 * Newest first: a merge of the statuses, each a walk along an index that fits it exactly, with or without a customer. PostgreSQL thinks
 * that the orders of a status, or of a customer, lie evenly in time, and would walk through all others to find what ended long ago.
 */
function selectionOf(page: OrderFilter & Partial<OrderPage>): { text: string; values: unknown[] } {
  const { status, limit } = page;
  const values: unknown[] = [];
  const place = (value: unknown) => `$${values.push(value)}`;
  const conditions = conditionsOf(page, place);
  // In words, not by value: without it the plan for all values looks dear, and the statement would be planned each time (0.3 ms).
  const far = limit === undefined ? '' : `LIMIT ${Math.max(limit, WALK_MAX)}`;
  const walkOf = (one: OrderStatus) =>
    `(SELECT ${columns} FROM orders.orders WHERE ${[`status = ${place(one)}`, ...conditions].join(' AND ')}
      ORDER BY placed_at DESC, id DESC ${far})`;
  const walks = (status === undefined ? orderStatuses : [status]).map(walkOf);
  const atMost = limit === undefined ? '' : `LIMIT ${place(limit)}`;
  const text = `SELECT * FROM (${walks.join(' UNION ALL ')}) merged ORDER BY "placedAt" DESC, id DESC ${atMost}`;
  return { text, values };
}

/** Absent filters are left out of the text, so that each combination has its own plan. */
function conditionsOf(
  { customerId, ownerId, createdAfter, createdBefore, before }: OrderFilter & Partial<OrderPage>,
  place: (value: unknown) => string,
): string[] {
  const when = (value: unknown, condition: string) => (value === undefined ? [] : [`${condition} ${place(value)}`]);
  return [
    ...when(customerId, 'customer_id ='),
    ...when(ownerId, 'customer_id ='),
    ...when(createdAfter, 'placed_at >='),
    ...when(createdBefore, 'placed_at <'),
    ...(before === undefined ? [] : [`(placed_at, id) < (${place(before.placedAt)}, ${place(before.id)})`]),
  ];
}

/** Spread whole: a rest (`...row`) is a dictionary per row, 2 kB of garbage of which half is promoted to the old heap. */
const toOrder = (row: RawOrder): OrderRow => ({
  ...row,
  subtotalAmount: Number(row.subtotalAmount),
  taxAmount: Number(row.taxAmount),
  totalAmount: Number(row.totalAmount),
});

const toLine = (row: RawLine): LineRow => ({
  ...row,
  unitAmount: Number(row.unitAmount),
  taxAmount: Number(row.taxAmount),
  totalAmount: Number(row.totalAmount),
});
