// Fulfillments in PostgreSQL; whoever writes holds the order.
import type { Connection } from '../../shared/database/database.ts';
import { FIRST_ID } from '../../shared/domain/ids.ts';
import type { ParcelStatus, Part } from './fulfillment.ts';

export type FulfillmentRow = {
  id: string;
  orderId: string;
  status: ParcelStatus;
  carrier: string | null;
  trackingNumber: string | null;
  shippedAt: Date;
  deliveredAt: Date | null;
};
export type PartRow = Part & { fulfillmentId: string };

const columns = `id, order_id AS "orderId", status, carrier, tracking_number AS "trackingNumber",
  shipped_at AS "shippedAt", delivered_at AS "deliveredAt"`;

type NewFulfillment = Pick<FulfillmentRow, 'id' | 'orderId' | 'carrier' | 'trackingNumber'>;

export class FulfillmentRepository {
  /** The fulfillment, its parts, and what each line has sent by now. */
  async insert(
    connection: Connection,
    { id, orderId, carrier, trackingNumber }: NewFulfillment,
    parts: Part[],
  ): Promise<FulfillmentRow> {
    const { rows } = await connection.query<FulfillmentRow>(
      `INSERT INTO orders.fulfillments (id, order_id, carrier, tracking_number) VALUES ($1, $2, $3, $4) RETURNING ${columns}`,
      [id, orderId, carrier, trackingNumber],
    );
    await connection.query(
      `WITH sent AS (
         INSERT INTO orders.fulfillment_lines (fulfillment_id, line_id, quantity)
         SELECT $1, line_id, quantity FROM unnest($2::uuid[], $3::int[]) AS part(line_id, quantity)
         RETURNING line_id, quantity
       )
       UPDATE orders.lines l SET fulfilled_quantity = l.fulfilled_quantity + sent.quantity FROM sent WHERE l.id = sent.line_id`,
      [id, parts.map(({ lineId }) => lineId), parts.map(({ quantity }) => quantity)],
    );
    return only(rows);
  }

  async find(connection: Connection, id: string): Promise<FulfillmentRow | null> {
    const { rows } = await connection.query<FulfillmentRow>(
      `SELECT ${columns} FROM orders.fulfillments WHERE id = $1`,
      [id],
    );
    return rows[0] ?? null;
  }

  /** Oldest first. */
  async list(
    connection: Connection,
    { orderId, afterId, limit }: { orderId: string; afterId: string | null; limit: number },
  ): Promise<FulfillmentRow[]> {
    const { rows } = await connection.query<FulfillmentRow>(
      `SELECT ${columns} FROM orders.fulfillments WHERE order_id = $1 AND id > $2 ORDER BY id LIMIT $3`,
      [orderId, afterId ?? FIRST_ID, limit],
    );
    return rows;
  }

  async findParts(connection: Connection, fulfillmentIds: string[]): Promise<PartRow[]> {
    const { rows } = await connection.query<PartRow>(
      `SELECT p.fulfillment_id AS "fulfillmentId", p.line_id AS "lineId", l.sku, p.quantity
       FROM orders.fulfillment_lines p JOIN orders.lines l ON l.id = p.line_id
       WHERE p.fulfillment_id = ANY ($1) ORDER BY p.fulfillment_id, l.position`,
      [fulfillmentIds],
    );
    return rows;
  }

  async deliver(connection: Connection, id: string): Promise<FulfillmentRow> {
    const { rows } = await connection.query<FulfillmentRow>(
      `UPDATE orders.fulfillments SET status = 'delivered', delivered_at = now() WHERE id = $1 RETURNING ${columns}`,
      [id],
    );
    return only(rows);
  }

  async countUnderWay(connection: Connection, orderId: string): Promise<number> {
    const { rows } = await connection.query<{ count: number }>(
      `SELECT count(*)::int AS count FROM orders.fulfillments WHERE order_id = $1 AND status = 'shipped'`,
      [orderId],
    );
    return rows[0]?.count ?? 0;
  }
}

function only(rows: FulfillmentRow[]): FulfillmentRow {
  const [row] = rows;
  if (row === undefined) throw new Error('a fulfillment was written and did not come back');
  return row;
}
