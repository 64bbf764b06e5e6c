// What placing an order costs PostgreSQL at the least: seven statements, or one, on tables made like Waybill's own, with its bytes.
import pg from 'pg';

/** Values that the statements name as `:name`. */
export type Values = Record<string, string>;

export const SKUS = 1000;
const CUSTOMERS = 128;

/** The tables of Waybill that an order is written to. */
const copied = { stock: 'catalog.stock', orders: 'orders.orders', lines: 'orders.lines', keys: 'idempotency.keys', outbox: 'events.outbox' }; // prettier-ignore

/** In a copy of the filled shop. @returns the values, as long as those that Waybill wrote for its last order */
export async function makeYardstickTables(connectionString: string): Promise<Values> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  await client.query('CREATE SCHEMA bench');
  for (const [name, original] of Object.entries(copied)) await copyTable(client, name, original);
  await client.query('ALTER TABLE bench.lines ADD FOREIGN KEY (order_id) REFERENCES bench.orders (id)');
  await client.query(
    `INSERT INTO bench.stock (sku, on_hand) SELECT 'SKU-' || n, 1000000000 FROM generate_series(1, ${SKUS}) AS n`,
  );
  await client.query('ANALYZE bench.stock');
  const { rows } = await client.query<Values>(
    `SELECT k.scope, k.fingerprint, k.outcome::text AS answer, o.payload::text AS payload, o.request_id AS request
     FROM idempotency.keys k, events.outbox o WHERE o.type = 'order.placed' AND k.outcome IS NOT NULL ORDER BY k.created_at DESC, o.seq DESC LIMIT 1`,
  );
  await client.end();
  const [values] = rows;
  if (values === undefined) throw new Error('the shop has no order to take the bytes of');
  return values;
}

/** With its columns, checks, defaults, indexes and settings (fillfactor). */
async function copyTable(client: pg.Client, name: string, original: string): Promise<void> {
  await client.query(`CREATE TABLE bench.${name} (LIKE ${original} INCLUDING ALL)`);
  const { rows } = await client.query<{ settings: string | null }>(
    `SELECT array_to_string(reloptions, ', ') AS settings FROM pg_class WHERE oid = $1::regclass`,
    [original],
  );
  const settings = rows[0]?.settings;
  if (settings) await client.query(`ALTER TABLE bench.${name} SET (${settings})`);
}

const customer = `('00000000-0000-4000-8000-' || lpad(:customer::text, 12, '0'))::uuid`;
const order = `id, customer_id, status, payment_status, fulfillment_status, currency, subtotal_amount, tax_amount, total_amount, placed_at, expires_at`;
const orderValues = `${customer}, 'pending_payment', 'unpaid', 'unfulfilled', 'EUR', 1299, 247, 1546, now(), now() + interval '15 minutes'`;
const line = `id, order_id, position, sku, title, quantity, unit_amount, tax_rate_bps, tax_amount, total_amount`;
const lineValues = `1, 'SKU-' || :n::text, 'Mug', 1, 1299, 1900, 247, 1546`;
const keyValues = `:scope, gen_random_uuid()::text, :fingerprint, :answer::json, now() + interval '1 day'`;
const take = `UPDATE bench.stock SET reserved = reserved + 1, version = version + 1 WHERE sku = 'SKU-' || :n::text AND on_hand - reserved >= 1`;

const seven = (id: string) => [
  'BEGIN',
  take,
  `INSERT INTO bench.orders (${order}) VALUES (${id}, ${orderValues}) RETURNING id`,
  `INSERT INTO bench.lines (${line}) VALUES (uuidv7(), :id::uuid, ${lineValues})`,
  `INSERT INTO bench.keys (scope, key, fingerprint, outcome, expires_at) VALUES (${keyValues})`,
  `INSERT INTO bench.outbox (id, type, aggregate_id, payload, request_id) VALUES (uuidv7(), 'order.placed', :id::uuid, :payload::jsonb, :request)`,
  'COMMIT',
];

/** Begin, take the stock if there is some, order, line, idempotency key, outbox row, commit. */
export const sevenStatements = seven('uuidv7()');

/** The same, by a client that knows the order's id beforehand, and so need not wait for any answer before it sends the next. */
export const independentStatements = seven(':id::uuid');

/** The same effect in one round trip. */
export const oneStatement = [
  `WITH taken AS (${take} RETURNING sku),
   placed AS (INSERT INTO bench.orders (${order}) SELECT uuidv7(), ${orderValues} FROM taken RETURNING id),
   line AS (INSERT INTO bench.lines (${line}) SELECT uuidv7(), id, ${lineValues} FROM placed),
   key AS (INSERT INTO bench.keys (scope, key, fingerprint, outcome, expires_at) SELECT ${keyValues} FROM placed)
   INSERT INTO bench.outbox (id, type, aggregate_id, payload, request_id)
   SELECT uuidv7(), 'order.placed', id, :payload::jsonb, :request FROM placed RETURNING aggregate_id AS id`,
];

/** The script of an order for pgbench. */
export function scriptOf(statements: string[], isHot: boolean): string {
  const sku = isHot ? '\\set n 1' : `\\set n random(1, ${SKUS})`;
  const texts = statements.map(
    (text) => `${text.replaceAll(/\s*\n\s*/g, ' ')}${text.endsWith('RETURNING id') ? ' \\gset' : ';'}`,
  );
  return [sku, `\\set customer random(1, ${CUSTOMERS})`, ...texts, ''].join('\n');
}

/** The same for a client of ours: `$1` instead of `:name`, and which names these are. */
export function preparedOf(text: string): { text: string; names: string[] } {
  const names: string[] = [];
  const numbered = text.replaceAll(/(?<!:):([a-z]+)/g, (_, name: string) => {
    if (!names.includes(name)) names.push(name);
    return `$${names.indexOf(name) + 1}`;
  });
  return { text: numbered, names };
}

export const drawn = (isHot: boolean, random: () => number): Values => ({
  n: isHot ? '1' : String(1 + Math.floor(random() * SKUS)),
  customer: String(1 + Math.floor(random() * CUSTOMERS)),
});
