// Stock levels and their ledger in PostgreSQL.
import type { Connection } from '../../shared/database/database.ts';
import type { Counts } from './stock.ts';

export type LevelRow = { sku: string; onHand: number; reserved: number; version: number };
export type MovementKind = 'adjustment' | 'reservation' | 'release' | 'shipment' | 'return';
export type MovementRow = {
  seq: string;
  id: string;
  sku: string;
  kind: MovementKind;
  delta: number;
  reservedDelta: number;
  onHand: number;
  reserved: number;
  reason: string | null;
  orderId: string | null;
  createdAt: Date;
};

const levelColumns = `sku, on_hand AS "onHand", reserved, version`;
const movementColumns = `seq, id, sku, kind, on_hand_delta AS delta, reserved_delta AS "reservedDelta", on_hand AS "onHand", reserved,
  reason, order_id AS "orderId", created_at AS "createdAt"`;

export class StockRepository {
  /** A SKU that is new gets a level of 0. */
  async insertLevels(connection: Connection, skus: string[]): Promise<void> {
    await connection.query(
      `INSERT INTO catalog.stock (sku, on_hand) SELECT sku, 0 FROM unnest($1::text[]) AS new(sku) ORDER BY sku COLLATE "C" ON CONFLICT (sku) DO NOTHING`,
      [skus],
    );
  }

  /** The first stock of SKUs that were inserted in this transaction. */
  async open(connection: Connection, lines: { sku: string; onHand: number }[]): Promise<void> {
    const changes = lines.map(({ sku, onHand }) => ({ sku, onHand, reserved: 0 }));
    await connection.query(`SELECT catalog.move_stock('adjustment', NULL, $1)`, [JSON.stringify(changes)]);
  }

  async lock(connection: Connection, skus: string[]): Promise<LevelRow[]> {
    const { rows } = await connection.query<LevelRow>(
      `SELECT ${levelColumns} FROM catalog.stock WHERE sku = ANY ($1) ORDER BY sku FOR UPDATE`,
      [skus],
    );
    return rows;
  }

  async list(
    connection: Connection,
    { sku, afterSku, limit }: { sku: string | null; afterSku: string | null; limit: number },
  ): Promise<LevelRow[]> {
    if (sku !== null) {
      const { rows } = await connection.query<LevelRow>(`SELECT ${levelColumns} FROM catalog.stock WHERE sku = $1`, [
        sku,
      ]);
      return rows;
    }
    const { rows } = await connection.query<LevelRow>(
      `SELECT ${levelColumns} FROM catalog.stock WHERE sku > $1 ORDER BY sku LIMIT $2`,
      [afterSku ?? '', limit],
    );
    return rows;
  }

  /** Newest first. */
  async listMovements(
    connection: Connection,
    { sku, beforeSeq, limit }: { sku: string | null; beforeSeq: string | null; limit: number },
  ): Promise<MovementRow[]> {
    const ofSku = sku === null ? '' : 'sku = $3 AND';
    const { rows } = await connection.query<MovementRow>(
      `SELECT ${movementColumns} FROM catalog.stock_movements WHERE ${ofSku} seq < $1 ORDER BY seq DESC LIMIT $2`,
      [beforeSeq ?? LAST_SEQ, limit, ...(sku === null ? [] : [sku])],
    );
    return rows;
  }

  /** The caller holds the level. */
  async adjust(
    connection: Connection,
    { id, sku, delta, reason }: { id: string; sku: string; delta: number; reason: string },
  ): Promise<MovementRow> {
    const { rows } = await connection.query<MovementRow>(
      `WITH changed AS (
         UPDATE catalog.stock SET on_hand = on_hand + $3, version = version + 1 WHERE sku = $2 RETURNING sku, on_hand, reserved
       )
       INSERT INTO catalog.stock_movements (id, sku, kind, on_hand_delta, reserved_delta, on_hand, reserved, reason)
       SELECT $1, sku, 'adjustment', $3, 0, on_hand, reserved, $4 FROM changed
       RETURNING ${movementColumns}`,
      [id, sku, delta, reason],
    );
    const [row] = rows;
    if (row === undefined) throw new Error(`the level of ${sku} vanished while it was locked`);
    return row;
  }

  /** What an order had reserved is given back, or leaves the house; the caller holds the levels. */
  async moveReserved(
    connection: Connection,
    kind: 'release' | 'shipment',
    orderId: string,
    lines: { sku: string; quantity: number }[],
  ): Promise<void> {
    const changes = lines.map(({ sku, quantity }) => ({
      sku,
      onHand: kind === 'shipment' ? -quantity : 0,
      reserved: -quantity,
    }));
    await connection.query(`SELECT catalog.move_stock($1, $2, $3)`, [kind, orderId, JSON.stringify(changes)]);
  }

  /** What an order had sent is on hand again; the caller holds the levels. */
  async restock(connection: Connection, orderId: string, lines: { sku: string; quantity: number }[]): Promise<void> {
    const changes = lines.map(({ sku, quantity }) => ({ sku, onHand: quantity, reserved: 0 }));
    await connection.query(`SELECT catalog.move_stock('return', $1, $2)`, [orderId, JSON.stringify(changes)]);
  }

  /** The caller holds the level, if there is one. */
  async rebuildLevel(connection: Connection, sku: string): Promise<LevelRow> {
    const { rows } = await connection.query<LevelRow>(
      `INSERT INTO catalog.stock AS s (sku, on_hand, reserved)
       SELECT $1, coalesce(sum(on_hand_delta), 0), coalesce(sum(reserved_delta), 0) FROM catalog.stock_movements WHERE sku = $1
       ON CONFLICT (sku) DO UPDATE SET on_hand = excluded.on_hand, reserved = excluded.reserved, version = s.version + 1
       RETURNING ${levelColumns}`,
      [sku],
    );
    const [level] = rows;
    if (level === undefined) throw new Error(`the level of ${sku} was not written`);
    return level;
  }

  async findHeld(
    connection: Connection,
    orderId: string | null,
  ): Promise<{ orderId: string; sku: string; quantity: number }[]> {
    const { rows } = await connection.query<{ orderId: string; sku: string; quantity: number }>(
      `SELECT order_id AS "orderId", sku, sum(reserved_delta)::int AS quantity FROM catalog.stock_movements
       WHERE order_id IS NOT NULL AND ($1::uuid IS NULL OR order_id = $1)
       GROUP BY order_id, sku HAVING sum(reserved_delta) <> 0`,
      [orderId],
    );
    return rows;
  }

  /** SKUs whose level, ledger and orders (null: not asked) do not agree: none, unless somebody wrote past this house. */
  async findDifferences(
    connection: Connection,
    ordered: { sku: string; quantity: number }[] | null,
  ): Promise<Counts[]> {
    const { rows } = await connection.query<Counts>(
      `SELECT sku, CASE WHEN s.on_hand IS NOT NULL THEN jsonb_build_object('onHand', s.on_hand, 'reserved', s.reserved) END AS level,
         jsonb_build_object('onHand', coalesce(m.on_hand, 0), 'reserved', coalesce(m.reserved, 0)) AS ledger,
         CASE WHEN $1::jsonb IS NOT NULL THEN coalesce(o.quantity, 0) END AS ordered
       FROM catalog.stock s
       FULL JOIN (SELECT sku, sum(on_hand_delta) AS on_hand, sum(reserved_delta) AS reserved FROM catalog.stock_movements GROUP BY sku) m USING (sku)
       FULL JOIN jsonb_to_recordset($1::jsonb) AS o(sku text, quantity double precision) USING (sku)
       WHERE s.on_hand IS NULL OR s.on_hand <> coalesce(m.on_hand, 0) OR s.reserved <> coalesce(m.reserved, 0)
         OR $1::jsonb IS NOT NULL AND s.reserved <> coalesce(o.quantity, 0)
       ORDER BY sku COLLATE "C"`,
      [ordered === null ? null : JSON.stringify(ordered)],
    );
    return rows;
  }
}

const LAST_SEQ = '9223372036854775807';
