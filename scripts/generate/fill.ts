// Fills a database with a shop of many orders: server-side, in chunks, over several connections, without indexes until the end.
import pg from 'pg';
import { keptTables, removeIndexes } from './indexes.ts';
import { levels, orders } from './orders.ts';
import { apiKeys, customers, products } from './people-and-products.ts';
import { sizeOf, type Size } from './size.ts';

export type FillOptions = {
  connectionString: string;
  orders: number;
  /** Connections at work at once: as many as PostgreSQL has cores for. */
  lanes?: number;
  /** @param share of all steps that are done, 0 to 1 */
  onStep?: (what: string, share: number) => void;
};

/** Orders or customers that are made by one statement: what belongs to them fits into memory. */
const CHUNK = 20_000;
const PRODUCTS_CHUNK = 1000;

type Step = { what: string; sql: string };

export async function fillShop(options: FillOptions): Promise<Size> {
  const { connectionString, lanes = 2, onStep = () => undefined } = options;
  const clients = await Promise.all(Array.from({ length: lanes }, () => open(connectionString)));
  let steps = 1;
  let done = 0;
  const tell = (what: string) => onStep(what, ++done / steps);
  const run = (these: Step[]) => runAll(clients, these, tell);
  const [first] = clients;
  if (first === undefined) throw new Error('no lanes');
  try {
    const size = sizeOf(options.orders, new Date(), await takeNumbers(first, options.orders));
    const { indexes, foreignKeys } = await removeIndexes(first);
    const rows = [...productSteps(size), ...customerSteps(size), ...orderSteps(size)];
    const builds = [...indexes].map(([table, make]) => ({ what: `indexes: ${table}`, sql: make.join(';\n') }));
    const tables = [...indexes.keys(), ...keptTables];
    steps = rows.length + 2 + builds.length + foreignKeys.length + tables.length;
    try {
      await run(rows);
      await run([
        { what: 'levels of stock', sql: levels(size) },
        { what: 'API keys', sql: apiKeys(size) },
      ]);
    } finally {
      await run(builds);
      // Each locks two tables: one after the other.
      await runAll([first], foreignKeys.map((sql) => ({ what: 'foreign keys', sql })), tell); // prettier-ignore
    }
    await run(tables.map((table) => ({ what: `statistics: ${table}`, sql: `VACUUM (ANALYZE) ${table}` })));
    return size;
  } finally {
    await Promise.all(clients.map((client) => client.end()));
  }
}

async function open(connectionString: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  // A crash loses the generated shop, and nothing else is written meanwhile.
  await client.query(`SET synchronous_commit = off; SET maintenance_work_mem = '256MB'; SET work_mem = '64MB'; SET temp_buffers = '64MB';
    SET statement_timeout = 0; SET lock_timeout = 0; SET client_min_messages = warning`);
  return client;
}

async function takeNumbers(client: pg.Client, count: number): Promise<Size['first']> {
  return {
    order: await take(client, 'orders.order_numbers', count),
    transition: await take(client, 'orders.transitions_seq_seq', (count + 1) * 8),
    movement: await take(client, 'catalog.stock_movements_seq_seq', (count + 1) * 16),
  };
}

/** So many that nobody else gets. @returns the one before them */
async function take(client: pg.Client, sequence: string, count: number): Promise<number> {
  const { rows } = await client.query<{ next: string }>('SELECT nextval($1) AS next', [sequence]);
  const before = Number(rows[0]?.next);
  await client.query('SELECT setval($1, $2::bigint)', [sequence, before + count]);
  return before;
}

/** Each client takes the next step when it has done one. */
async function runAll(clients: pg.Client[], steps: Step[], onStep: (what: string) => void): Promise<void> {
  const left = [...steps];
  const work = async (client: pg.Client) => {
    for (let step = left.shift(); step !== undefined; step = left.shift()) {
      await client.query(step.sql);
      onStep(step.what);
    }
  };
  await Promise.all(clients.map(work));
}

const productSteps = (size: Size): Step[] =>
  chunks(0, size.products - 1, PRODUCTS_CHUNK).map(([from, to]) => ({
    what: 'products',
    sql: products(from, to, size),
  }));

const customerSteps = (size: Size): Step[] =>
  chunks(0, size.customers - 1, CHUNK).map(([from, to]) => ({ what: 'customers', sql: customers(from, to, size) }));

const orderSteps = (size: Size): Step[] =>
  chunks(1, size.orders, CHUNK).map(([from, to]) => ({
    what: 'orders',
    sql: `BEGIN; ${orders(from, to, size)}; COMMIT`,
  }));

const chunks = (from: number, to: number, length: number): [number, number][] =>
  Array.from({ length: Math.ceil((to - from + 1) / length) }, (_, i) => [
    from + i * length,
    Math.min(to, from + (i + 1) * length - 1),
  ]);
