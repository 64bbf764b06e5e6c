// The order's history in PostgreSQL, as the timeline reads and completes it.
import type { Connection } from '../../shared/database/database.ts';
import { currentRequestId } from '../../shared/logging/request-context.ts';
import type { OrderStatus } from './order.ts';
import type { Deed } from './timeline.ts';

export type EntryRow = Deed & {
  seq: string;
  status: OrderStatus;
  fulfillmentId: string | null;
  paymentId: string | null;
  /** Minor units; pg gives a bigint as text. */
  amount: string | null;
  currency: string | null;
  happenedAt: Date;
};
export type HeardPayment = {
  eventId: string;
  orderId: string;
  type: string;
  paymentId: string;
  amount: { amount: number; currency: string };
  happenedAt: Date;
};

export class TimelineRepository {
  /** In the order in which it was recorded: what is heard late comes late, and no page is left out of a walk. */
  async list(
    connection: Connection,
    { orderId, afterSeq, limit }: { orderId: string; afterSeq: string; limit: number },
  ): Promise<EntryRow[]> {
    const { rows } = await connection.query<EntryRow>(
      `SELECT seq, action, to_status AS status, actor_kind AS "actorKind", actor_id AS "actorId", request_id AS "requestId",
         fulfillment_id AS "fulfillmentId", payment_id AS "paymentId", amount, currency, happened_at AS "happenedAt"
       FROM orders.transitions WHERE order_id = $1 AND seq > $2 ORDER BY seq LIMIT $3`,
      [orderId, afterSeq, limit],
    );
    return rows;
  }

  /** The caller holds the order, so that `seq` follows the commits. An event that was heard before is no news. */
  async insertPayment(
    connection: Connection,
    { eventId, orderId, type, paymentId, amount, happenedAt }: HeardPayment,
  ): Promise<void> {
    await connection.query(
      `INSERT INTO orders.transitions (order_id, action, from_status, to_status, event_id, payment_id, amount, currency, happened_at, request_id)
       SELECT id, $2, status, status, $3, $4, $5, $6, $7, $8 FROM orders.orders WHERE id = $1
       ON CONFLICT (event_id) DO NOTHING`,
      [orderId, type, eventId, paymentId, amount.amount, amount.currency, happenedAt, currentRequestId() ?? null],
    );
  }
}
