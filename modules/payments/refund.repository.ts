// SQL of refunds and their lines.
import type { Connection } from '../../shared/database/database.ts';
import { LAST_ID } from '../../shared/domain/ids.ts';
import type { LineTaken, RefundLine, RefundStatus } from './refund.ts';

export type RefundRow = {
  id: string;
  orderId: string;
  paymentId: string;
  amountMinor: number;
  currency: string;
  lines: RefundLine[];
  reason: string;
  restock: boolean;
  status: RefundStatus;
  declineReason: string | null;
  looks: number;
  createdAt: Date;
};

type NewRefund = Omit<RefundRow, 'status' | 'declineReason' | 'looks' | 'createdAt'>;

/** Pending; others than whoever asks the provider now keep off it for `leaseMs`. */
export async function insert(tx: Connection, refund: NewRefund, leaseMs: number): Promise<RefundRow> {
  const { id, paymentId, orderId, amountMinor, currency, reason, restock, lines } = refund;
  await tx.query(
    `INSERT INTO payments.refunds (id, payment_id, order_id, amount_minor, currency, reason, restock, check_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, now() + $8 * interval '1 ms')`,
    [id, paymentId, orderId, amountMinor, currency, reason, restock, leaseMs],
  );
  if (lines.length > 0) await insertLines(tx, id, lines);
  return mustFind(tx, id);
}

async function insertLines(tx: Connection, refundId: string, lines: RefundLine[]): Promise<void> {
  await tx.query(
    `INSERT INTO payments.refund_lines (refund_id, line_id, sku, quantity, amount_minor)
     SELECT $1, line_id, sku, quantity, amount_minor
     FROM unnest($2::uuid[], $3::text[], $4::int[], $5::bigint[]) AS l(line_id, sku, quantity, amount_minor)`,
    [
      refundId,
      lines.map(({ lineId }) => lineId),
      lines.map(({ sku }) => sku),
      lines.map(({ quantity }) => quantity),
      lines.map(({ amountMinor }) => amountMinor),
    ],
  );
}

export async function mustFind(connection: Connection, id: string): Promise<RefundRow> {
  const { rows } = await connection.query<Columns>(`SELECT ${columns} FROM payments.refunds r WHERE id = $1`, [id]);
  const [refund] = rows.map(toRefund);
  if (refund === undefined) throw new Error(`refund ${id} has vanished`);
  return refund;
}

/** Newest first: ids are UUIDv7. */
export async function findOfOrder(
  connection: Connection,
  orderId: string,
  { limit, before }: { limit: number; before: string | null },
): Promise<RefundRow[]> {
  const { rows } = await connection.query<Columns>(
    `SELECT ${columns} FROM payments.refunds r
     WHERE order_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3`,
    [orderId, before ?? LAST_ID, limit],
  );
  return rows.map(toRefund);
}

export async function findPending(connection: Connection, paymentId: string): Promise<RefundRow | null> {
  const { rows } = await connection.query<Columns>(
    `SELECT ${columns} FROM payments.refunds r WHERE payment_id = $1 AND ${isPending} ORDER BY id LIMIT 1`,
    [paymentId],
  );
  return rows.map(toRefund)[0] ?? null;
}

/** The sum of a payment's refunds that have not failed. */
export async function sumTaken(connection: Connection, paymentId: string): Promise<number> {
  const { rows } = await connection.query<{ sum: string }>(
    `SELECT coalesce(sum(amount_minor), 0) AS sum FROM payments.refunds WHERE payment_id = $1 AND status <> 'failed'`,
    [paymentId],
  );
  return Number(rows[0]?.sum);
}

/** By line, what refunds that have not failed took of the order. */
export async function findLinesTaken(connection: Connection, orderId: string): Promise<LineTaken[]> {
  const { rows } = await connection.query<{ line_id: string; quantity: number; restocked: number; amount: string }>(
    `SELECT line_id, sum(quantity)::int AS quantity, coalesce(sum(quantity) FILTER (WHERE restock), 0)::int AS restocked,
       sum(l.amount_minor) AS amount
     FROM payments.refund_lines l JOIN payments.refunds r ON r.id = l.refund_id
     WHERE r.order_id = $1 AND r.status <> 'failed' GROUP BY line_id`,
    [orderId],
  );
  return rows.map(({ line_id: lineId, quantity, restocked, amount }) => ({
    lineId,
    quantity,
    restockedQuantity: restocked,
    amountMinor: Number(amount),
  }));
}

export async function settle(
  tx: Connection,
  id: string,
  status: RefundStatus,
  declineReason: string | null,
): Promise<RefundRow> {
  await tx.query(
    `UPDATE payments.refunds SET status = $2, decline_reason = $3, settled_at = now() WHERE id = $1 AND ${isPending}`,
    [id, status, declineReason],
  );
  return mustFind(tx, id);
}

/** Takes the due ones for `leaseMs`: other processes skip them, and find them again if this one dies. */
export async function claimDue(
  connection: Connection,
  provider: string,
  limit: number,
  leaseMs: number,
): Promise<RefundRow[]> {
  const { rows } = await connection.query<Columns>(
    `UPDATE payments.refunds r SET looks = looks + 1, check_at = now() + $3 * interval '1 ms'
     WHERE id IN (SELECT d.id FROM payments.refunds d JOIN payments.payments p ON p.id = d.payment_id
                  WHERE d.status = 'pending' AND d.check_at <= now() AND p.provider = $1
                  ORDER BY d.check_at LIMIT $2 FOR UPDATE OF d SKIP LOCKED)
     RETURNING ${columns}`,
    [provider, limit, leaseMs],
  );
  return rows.map(toRefund);
}

/** The job keeps off it for so long. */
export async function postpone(connection: Connection, id: string, waitMs: number): Promise<void> {
  await connection.query(`UPDATE payments.refunds SET check_at = now() + $2 * interval '1 ms' WHERE id = $1`, [
    id,
    waitMs,
  ]);
}

/** The provider has told something of the payment: those that are pending are asked about soon. */
export async function hasten(tx: Connection, paymentId: string): Promise<void> {
  await tx.query(
    `UPDATE payments.refunds SET check_at = least(check_at, now()) WHERE payment_id = $1 AND ${isPending}`,
    [paymentId],
  );
}

/** In words that the index of what is pending does not fit: it may look empty, and would be read whole instead of one payment's refunds. */
const isPending = `status NOT IN ('succeeded', 'failed')`;

const columns = `r.id, order_id, payment_id, amount_minor, currency, reason, restock, status, decline_reason, looks, created_at,
  (SELECT coalesce(jsonb_agg(jsonb_build_object('lineId', l.line_id, 'sku', l.sku, 'quantity', l.quantity,
     'amountMinor', l.amount_minor) ORDER BY l.line_id), '[]')
   FROM payments.refund_lines l WHERE l.refund_id = r.id) AS lines`;

/** bigint comes as text. */
type Columns = {
  id: string;
  order_id: string;
  payment_id: string;
  amount_minor: string;
  currency: string;
  reason: string;
  restock: boolean;
  status: RefundStatus;
  decline_reason: string | null;
  looks: number;
  created_at: Date;
  lines: RefundLine[];
};

const toRefund = (row: Columns): RefundRow => ({
  id: row.id,
  orderId: row.order_id,
  paymentId: row.payment_id,
  amountMinor: Number(row.amount_minor),
  currency: row.currency,
  lines: row.lines,
  reason: row.reason,
  restock: row.restock,
  status: row.status,
  declineReason: row.decline_reason,
  looks: row.looks,
  createdAt: row.created_at,
});
