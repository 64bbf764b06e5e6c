// What the stories of the catalogue share: looking at all of it, holding rows, and waiting until others wait.
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { expect } from 'vitest';
import { createDatabase, type Database } from '../../../shared/database/database.ts';
import { createPool } from '../../../shared/database/pool.ts';
import { createLogger } from '../../../shared/logging/logger.ts';
import type { TestApp } from '../../../tests/support/app.ts';
import { asModule } from '../../../tests/support/roles.ts';

export const euros = (amount: number) => ({ amount, currency: 'EUR' });
export const newSku = () => `SKU-${randomUUID()}`;
export const ifMatch = (version: number) => ({ 'If-Match': `"${version}"` });

export type ProductAnswer = {
  id: string;
  title: string;
  description: string | null;
  status: string;
  variants: {
    id: string;
    sku: string;
    title: string | null;
    price: { amount: number; currency: string };
    taxRateBps: number;
  }[];
  createdAt: string;
  updatedAt: string;
  version: number;
};
export type Level = { sku: string; onHand: number; reserved: number; available: number; version: number };

/** All that the module has stored, to prove that a refusal changed nothing. */
export async function everything(app: TestApp): Promise<unknown> {
  const tables = ['products', 'variants', 'stock', 'stock_movements'];
  return Promise.all(
    tables.map((table) => app.sql(`SELECT to_jsonb(t) AS row FROM catalog.${table} t ORDER BY to_jsonb(t)::text`)),
  );
}

export async function levelOf(
  app: TestApp,
  sku: string,
): Promise<{ onHand: number; reserved: number; version: number } | undefined> {
  const rows = await app.sql<{ onHand: number; reserved: number; version: number }>(
    'SELECT on_hand AS "onHand", reserved, version FROM catalog.stock WHERE sku = $1',
    [sku],
  );
  return rows[0];
}

export const movementsOf = (app: TestApp, sku: string) =>
  app.sql(
    `SELECT kind, on_hand_delta AS "onHandDelta", reserved_delta AS "reservedDelta", on_hand AS "onHand", reserved, reason, order_id AS "orderId"
     FROM catalog.stock_movements WHERE sku = $1 ORDER BY seq`,
    [sku],
  );

/** A connection of its own, outside every pool, closed by `await using`: as the superuser, or as a module. */
export async function connect(app: TestApp, module?: string): Promise<pg.Client & AsyncDisposable> {
  const connectionString = module === undefined ? app.databaseUrlFor('postgres') : asModule(app.databaseUrlFor, module);
  const client = new pg.Client({ connectionString });
  await client.connect();
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.end() });
}

/** Another module's database, whose transactions the catalogue joins. */
export function ordersDatabase(app: TestApp): Database & { close: () => Promise<void> } {
  const connectionString = asModule(app.databaseUrlFor, 'orders');
  const pool = createPool(
    { connectionString, max: 2, statementTimeoutMs: 2500, applicationName: 'test-caller' },
    createLogger({ level: 'silent', isPretty: false }),
  );
  return { ...createDatabase(pool), close: () => pool.end() };
}

/** Races prove something only when all runners stand at the line: PostgreSQL itself says that they wait for a lock. */
export async function untilWaiting(app: TestApp, count: number): Promise<void> {
  const waiting = async () => {
    const rows = await app.sql<{ count: number }>(
      `SELECT count(*)::integer AS count FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
    );
    return rows[0]?.count;
  };
  await expect.poll(waiting, { interval: 5, timeout: 900 }).toBe(count);
}

export type Line = { sku: string; quantity: number; amount: number; currency: string; taxRateBps: number };

/** As `app.sellable` sells it, unless said otherwise. */
export const line = (sku: string, quantity: number, more: Partial<Line> = {}): Line => ({
  sku,
  quantity,
  amount: 1000,
  currency: 'EUR',
  taxRateBps: 1900,
  ...more,
});

/** One order's fate, decided alone. */
export async function reserve(client: pg.Client, lines: Line[], orderId: string = randomUUID()): Promise<unknown> {
  const [fate] = await reserveAll(client, [lines], [orderId]);
  return fate;
}

/** The fates of several orders, decided together in this order. */
export async function reserveAll(client: pg.Client, orders: Line[][], ids = orders.map(() => randomUUID() as string)) {
  const lines = orders.flatMap((order, i) => order.map((one) => ({ orderId: ids[i], ...one })));
  const { rows } = await client.query<{ refused_id: string; refusal: object }>(
    'SELECT refused_id, refusal FROM catalog.reserve_all($1, $2)',
    [ids, JSON.stringify(lines)],
  );
  return ids.map((id) => rows.find((row) => row.refused_id === id)?.refusal ?? { outcome: 'reserved' });
}

type Problem = { code: string; errors?: { pointer: string; code: string }[] };

export function expectFault(body: unknown, pointer: string, code?: string): void {
  const problem = body as Problem;
  expect(problem.code).toBe(code ?? 'validation_failed');
  const fault = problem.errors?.find((one) => one.pointer === pointer);
  expect(fault, `${pointer} in ${JSON.stringify(problem.errors)}`).toBeDefined();
  if (code !== undefined) expect(fault?.code).toBe(code);
}

/** What no text field takes. */
export const badTexts: [string, unknown][] = [
  ['a number', 7],
  ['null', null],
  ['an object', {}],
  ['nothing but blanks', '   '],
  ['NUL', 'a\0b'],
  ['a lone surrogate', 'a\ud800'],
];

/** What no whole number takes. */
export const badIntegers: [string, unknown][] = [
  ['text', '5'],
  ['a fraction', 1.5],
  ['2^53', 2 ** 53],
  ['1e21', 1e21],
  ['null', null],
  ['a list', [1]],
];

export const badSkus: [string, unknown][] = [
  ...badTexts,
  ['a space', 'MUG BLUE'],
  ['65 characters', 'S'.repeat(65)],
  ['a leading dot', '.MUG'],
  ['a letter beyond ASCII', 'TÄSSE'],
];

export const badPrices: [string, string, unknown][] = [
  ['', 'a number', 1299],
  ['', 'null', null],
  ['/amount', 'no amount', { currency: 'EUR' }],
  ['/currency', 'no currency', { amount: 1 }],
  ['/amount', 'a negative amount', euros(-1)],
  ['/amount', 'more than 10^10', euros(10 ** 10 + 1)],
  ...badIntegers.map(([name, amount]): [string, string, unknown] => ['/amount', name, { amount, currency: 'EUR' }]),
  ['/currency', 'no currency in use', { amount: 1, currency: 'XXY' }],
  ['/currency', 'lower case', { amount: 1, currency: 'eur' }],
  ['/currency', 'NUL', { amount: 1, currency: 'EU\0' }],
  ['/exponent', 'an extra field', { ...euros(1), exponent: 2 }],
];
