// What npm run db:seed makes: something of everything, books that agree, the same when run twice, and nothing in production.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { planShop } from '../scripts/seed/plan.ts';
import { startTestApp, type TestApp } from './support/app.ts';
import { snapshotOf } from './support/snapshot.ts';

/** About ten seconds on a quiet machine. */
const SEED_MAX_MS = 300_000;

let app: TestApp;

beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());

async function run(script: string, more: Record<string, string> = {}) {
  const { PATH = '', HOME = '' } = process.env;
  const env = { PATH, HOME, NODE_ENV: 'test', DATABASE_URL: app.databaseUrlFor('waybill'), ...more };
  const child = spawn(process.execPath, ['--import', 'tsx', script], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const)
    child[name].on('data', (chunk: Buffer) => (output[name] += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, ...output };
}

describe('the plan', () => {
  const { products, customers, orders } = planShop(2026);
  const currencyOf = new Map(
    products.flatMap(({ variants }) => variants.map(({ sku, price }) => [sku, price.currency])),
  );

  test('is the same every time, and another for another seed', () => {
    expect(planShop(2026)).toEqual({ products, customers, orders });
    expect(planShop(1).orders).not.toEqual(orders);
  });

  test('has 40 products in several currencies, 25 customers, 200 orders of one currency each', () => {
    expect([products.length, customers, orders.length]).toEqual([40, 25, 200]);
    expect(new Set(currencyOf.values()).size).toBe(4);
    const currencies = orders.map(({ lines }) => new Set(lines.map(({ sku }) => currencyOf.get(sku))));
    expect(currencies.filter((set) => set.size !== 1 || set.has(undefined))).toEqual([]);
  });

  test('sends every order in time but one', () => {
    const waiting = orders.filter(({ fate }) => ['confirmed', 'authorized', 'sent_in_part'].includes(fate));
    expect(waiting.filter(({ ageHours }) => ageHours > 72)).toHaveLength(1);
  });
});

describe('the seed', () => {
  let login: { email: string; password: string };

  beforeAll(async () => {
    const { code, stdout, stderr } = await run('scripts/db-seed.ts');
    if (code !== 0) throw new Error(stderr);
    login = JSON.parse(stdout) as typeof login;
  }, SEED_MAX_MS);

  test('makes orders in every state, paid in every way, and refunds', async () => {
    const seen = async (column: string) =>
      (await app.sql<{ value: string }>(`SELECT DISTINCT ${column} AS value FROM orders.orders ORDER BY 1`)).map(
        ({ value }) => value,
      );
    expect(await app.sql('SELECT count(*)::int AS count FROM orders.orders')).toEqual([{ count: 200 }]);
    expect(await app.sql('SELECT count(*)::int AS count FROM catalog.products')).toEqual([{ count: 40 }]);
    expect(await seen('status')).toEqual([
      'cancelled',
      'completed',
      'confirmed',
      'expired',
      'fulfilled',
      'pending_payment',
    ]);
    expect(await seen('fulfillment_status')).toEqual(['delivered', 'fulfilled', 'partially_fulfilled', 'unfulfilled']);
    expect(await seen('payment_status')).toEqual([
      'authorized',
      'paid',
      'partially_refunded',
      'processing',
      'refunded',
      'unpaid',
    ]);
  });

  test('leaves books that agree', async () => {
    expect(await run('scripts/stock-reconcile.ts')).toMatchObject({ code: 0 });
    expect(await run('scripts/doctor.ts')).toMatchObject({ code: 0, stderr: '' });
    expect(await app.sql(`SELECT seq FROM events.deliveries WHERE status <> 'delivered'`)).toEqual([]);
  });

  test('tells a login that works, and finds one late order with it', async () => {
    const { body } = await app.api.post('/api/v1/auth/login').send(login).expect(200);
    const auth = { Authorization: `Bearer ${(body.data as { accessToken: string }).accessToken}` };
    const then = new Date(Date.now() - 3 * 24 * 3_600_000).toISOString();
    const late = await app.api.get(`/api/v1/orders?status=confirmed&createdBefore=${then}`).set(auth).expect(200);
    expect(late.body.data).toMatchObject([{ paymentStatus: 'paid', fulfillmentStatus: 'unfulfilled' }]);
  });

  test('run again, it changes nothing and tells no login', { timeout: SEED_MAX_MS }, async () => {
    const before = await snapshotOf(app);
    expect(await run('scripts/db-seed.ts')).toMatchObject({ code: 0, stdout: '' });
    expect(await snapshotOf(app)).toEqual(before);
  });

  test('makes what is missing, as after a run that was ended', { timeout: SEED_MAX_MS }, async () => {
    await app.sql(`UPDATE orders.orders SET note = NULL WHERE note = 'Demo order 200'`);
    expect(await run('scripts/db-seed.ts')).toMatchObject({ code: 0, stdout: '' });
    expect(await app.sql('SELECT count(*)::int AS count FROM orders.orders')).toEqual([{ count: 201 }]);
  });
});

test('production is refused before anything is done', async () => {
  const production = {
    NODE_ENV: 'production',
    JWT_SECRET: 'x9fK2mQ7vT4bN8cR1wZ6yH3jL5pD0sGa',
    TEST_PROVIDER_SECRET: 'x9fK2mQ7vT4bN8cR',
    PAYMENT_PROVIDER: 'test',
    PUBLIC_URL: 'https://shop.example.com',
    METRICS_TOKEN: 'x9fK2mQ7vT4bN8cR1wZ6yH3jL5pD0sGb',
  };
  const before = await snapshotOf(app);
  expect(await run('scripts/db-seed.ts', production)).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringContaining('no place in production') as string,
  });
  expect(await snapshotOf(app)).toEqual(before);
});
