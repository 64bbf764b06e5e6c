// SQL of payments and of the provider's events.
import type { Connection } from '../../shared/database/database.ts';
import { LAST_ID } from '../../shared/domain/ids.ts';
import { FIRST_LOOK_MS, isUnfinished, type GiveBackReason, type Payment, type PaymentStatus } from './payment.ts';
import type { NextAction } from './provider.ts';

export type PaymentRow = Payment & {
  id: string;
  orderId: string;
  customerId: string;
  provider: string;
  amountMinor: number;
  currency: string;
  captures: boolean;
  looks: number;
  ageMs: number;
  createdAt: Date;
  version: number;
};

type NewPayment = Pick<
  PaymentRow,
  'id' | 'orderId' | 'customerId' | 'provider' | 'amountMinor' | 'currency' | 'captures'
>;

/** Null when another payment of the order is active. */
export async function insert(tx: Connection, payment: NewPayment): Promise<PaymentRow | null> {
  const { id, orderId, customerId, provider, amountMinor, currency, captures } = payment;
  const { rows } = await tx.query<Columns>(
    `INSERT INTO payments.payments (id, order_id, customer_id, provider, status, amount_minor, currency, captures, check_at)
     VALUES ($1, $2, $3, $4, 'processing', $5, $6, $7, now() + $8 * interval '1 ms')
     ON CONFLICT (order_id) WHERE status IN ('processing', 'unknown', 'requires_action', 'authorized', 'captured') DO NOTHING
     RETURNING ${columns}`,
    [id, orderId, customerId, provider, amountMinor, currency, captures, FIRST_LOOK_MS],
  );
  return firstOf(rows);
}

export async function find(connection: Connection, id: string): Promise<PaymentRow | null> {
  const { rows } = await connection.query<Columns>(`SELECT ${columns} FROM payments.payments WHERE id = $1`, [id]);
  return firstOf(rows);
}

export async function lock(tx: Connection, id: string): Promise<PaymentRow | null> {
  const { rows } = await tx.query<Columns>(`SELECT ${columns} FROM payments.payments WHERE id = $1 FOR UPDATE`, [id]);
  return firstOf(rows);
}

/** For a payment that is known to be there. */
export async function mustFind(connection: Connection, id: string): Promise<PaymentRow> {
  return orVanished(id, await find(connection, id));
}

/** For a payment that is known to be there. */
export async function mustLock(tx: Connection, id: string): Promise<PaymentRow> {
  return orVanished(id, await lock(tx, id));
}

function orVanished(id: string, payment: PaymentRow | null): PaymentRow {
  if (payment === null) throw new Error(`payment ${id} has vanished`);
  return payment;
}

/** Newest first: ids are UUIDv7. */
export async function findOfOrder(
  connection: Connection,
  orderId: string,
  { limit, before }: { limit: number; before: string | null },
): Promise<PaymentRow[]> {
  const { rows } = await connection.query<Columns>(
    `SELECT ${columns} FROM payments.payments
     WHERE order_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3`,
    [orderId, before ?? LAST_ID, limit],
  );
  return rows.map(toPayment);
}

/** Newest first. */
export async function listOfCustomer(
  connection: Connection,
  { customerId, beforeId, limit }: { customerId: string; beforeId: string | null; limit: number },
): Promise<PaymentRow[]> {
  const { rows } = await connection.query<Columns>(
    `SELECT ${columns} FROM payments.payments
     WHERE customer_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3`,
    [customerId, beforeId ?? LAST_ID, limit],
  );
  return rows.map(toPayment);
}

/** In id order, as every lock of several rows. */
export async function lockOfOrder(tx: Connection, orderId: string): Promise<PaymentRow[]> {
  const { rows } = await tx.query<Columns>(
    `SELECT ${columns} FROM payments.payments WHERE order_id = $1 ORDER BY id FOR UPDATE`,
    [orderId],
  );
  return rows.map(toPayment);
}

/** `lookInMs` null: as already planned. What is finished is not looked at any more. */
export async function update(tx: Connection, payment: PaymentRow, lookInMs: number | null = null): Promise<PaymentRow> {
  const { id, status, authorizedMinor, capturedMinor, refundedMinor, declineReason, giveBackReason } = payment;
  const { isOwed, wantsCapture } = payment;
  const nextAction = payment.nextAction === null ? null : JSON.stringify(payment.nextAction);
  const { rows } = await tx.query<Columns>(
    `UPDATE payments.payments
     SET status = $2, authorized_minor = $3, captured_minor = $4, refunded_minor = $5, next_action = $6, decline_reason = $7,
         give_back_reason = $8, is_owed = $9, wants_capture = $10, updated_at = now(), version = version + 1,
         looks = CASE WHEN $12::bigint IS NULL THEN looks ELSE 0 END,
         check_at = CASE WHEN $11 THEN coalesce(now() + $12::bigint * interval '1 ms', check_at, now()) END
     WHERE id = $1 RETURNING ${columns}`,
    [
      id,
      status,
      authorizedMinor,
      capturedMinor,
      refundedMinor,
      nextAction,
      declineReason,
      giveBackReason,
      isOwed,
      wantsCapture,
      isUnfinished(payment),
      lookInMs,
    ],
  );
  return orVanished(id, firstOf(rows));
}

/** Takes the due ones for `leaseMs`: other processes skip them, and find them again if this one dies. */
export async function claimDue(
  connection: Connection,
  provider: string,
  limit: number,
  leaseMs: number,
): Promise<PaymentRow[]> {
  const { rows } = await connection.query<Columns>(
    `UPDATE payments.payments SET looks = looks + 1, check_at = now() + $3 * interval '1 ms'
     WHERE id IN (SELECT id FROM payments.payments
                  WHERE check_at <= now() AND provider = $1 ORDER BY check_at LIMIT $2 FOR UPDATE SKIP LOCKED)
     RETURNING ${columns}`,
    [provider, limit, leaseMs],
  );
  return rows.map(toPayment);
}

/** False when it is another provider's, or is not there. */
export async function planLook(connection: Connection, id: string, provider: string): Promise<boolean> {
  const { rowCount } = await connection.query(
    'UPDATE payments.payments SET check_at = now() WHERE id = $1 AND provider = $2',
    [id, provider],
  );
  return rowCount === 1;
}

/** Takes one that somebody asks for now; the job keeps off it for `leaseMs`. */
export async function claim(connection: Connection, id: string, leaseMs: number): Promise<PaymentRow | null> {
  const { rows } = await connection.query<Columns>(
    `UPDATE payments.payments
     SET looks = looks + 1, check_at = CASE WHEN check_at IS NOT NULL THEN now() + $2 * interval '1 ms' END
     WHERE id = $1 RETURNING ${columns}`,
    [id, leaseMs],
  );
  return firstOf(rows);
}

/** Only by whoever took it up last. By its key alone: the index of what is open may look empty, and would be read whole. */
export async function postpone(connection: Connection, { id, looks }: PaymentRow, waitMs: number): Promise<void> {
  await connection.query(
    `UPDATE payments.payments SET check_at = CASE WHEN check_at IS NOT NULL THEN now() + $3 * interval '1 ms' END
     WHERE id = $1 AND looks = $2`,
    [id, looks, waitMs],
  );
}

/** False when it was heard before; a repeat that comes at the same time waits for the first to commit. */
export async function insertEvent(tx: Connection, provider: string, eventId: string): Promise<boolean> {
  const { rowCount } = await tx.query(
    `INSERT INTO payments.provider_events (provider, event_id) VALUES ($1, $2) ON CONFLICT DO NOTHING`,
    [provider, eventId],
  );
  return rowCount === 1;
}

/** Providers repeat an event for days, not for months. @returns how many. */
export async function deleteOldEvents(connection: Connection): Promise<number> {
  const { rowCount } = await connection.query(
    `DELETE FROM payments.provider_events WHERE ctid = ANY (ARRAY(
       SELECT ctid FROM payments.provider_events
       WHERE received_at < now() - interval '90 days' ORDER BY received_at LIMIT 1000))`,
  );
  return rowCount;
}

const columns = `id, order_id, customer_id, provider, status, amount_minor, currency, captures, authorized_minor, captured_minor,
  refunded_minor, next_action, decline_reason, give_back_reason, is_owed, wants_capture, looks, created_at, version,
  extract(epoch FROM now() - created_at) * 1000 AS age_ms`;

/** bigint and numeric come as text. */
type Columns = {
  id: string;
  order_id: string;
  customer_id: string;
  provider: string;
  status: PaymentStatus;
  amount_minor: string;
  currency: string;
  captures: boolean;
  authorized_minor: string;
  captured_minor: string;
  refunded_minor: string;
  next_action: NextAction | null;
  decline_reason: string | null;
  give_back_reason: GiveBackReason | null;
  is_owed: boolean;
  wants_capture: boolean;
  looks: number;
  created_at: Date;
  version: number;
  age_ms: string;
};

function firstOf(rows: Columns[]): PaymentRow | null {
  const [row] = rows;
  return row === undefined ? null : toPayment(row);
}

const toPayment = (row: Columns): PaymentRow => ({
  id: row.id,
  orderId: row.order_id,
  customerId: row.customer_id,
  provider: row.provider,
  status: row.status,
  amountMinor: Number(row.amount_minor),
  currency: row.currency,
  captures: row.captures,
  authorizedMinor: Number(row.authorized_minor),
  capturedMinor: Number(row.captured_minor),
  refundedMinor: Number(row.refunded_minor),
  nextAction: row.next_action,
  declineReason: row.decline_reason,
  giveBackReason: row.give_back_reason,
  isOwed: row.is_owed,
  wantsCapture: row.wants_capture,
  looks: row.looks,
  ageMs: Number(row.age_ms),
  createdAt: row.created_at,
  version: row.version,
});
