// What npm run db:generate makes: books that agree, the same indexes as before, no second shop unless asked, and nothing in production.
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checksOf } from '../app.ts';
import { startTestApp, type TestApp } from './support/app.ts';

const ORDERS = 3000;

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());

async function generate(args: string[] = [], more: Record<string, string> = {}) {
  const { PATH = '', HOME = '' } = process.env;
  // As its owner: each module's tables belong to a role of its own here.
  const env = { PATH, HOME, NODE_ENV: 'test', DATABASE_URL: app.databaseUrlFor('postgres'), ...more };
  const command = ['--import', 'tsx', 'scripts/db-generate.ts', '--orders', String(ORDERS), ...args];
  const child = spawn(process.execPath, command, { env, stdio: ['ignore', 'ignore', 'pipe'] });
  let told = '';
  child.stderr.on('data', (chunk: Buffer) => (told += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, told };
}

const countOrders = async () =>
  (await app.sql<{ count: number }>('SELECT count(*)::int AS count FROM orders.orders'))[0]?.count;

const definitions = async () => ({
  indexes: await app.sql(`SELECT indexdef FROM pg_indexes WHERE schemaname <> 'pg_catalog' ORDER BY 1`),
  constraints: await app.sql(
    `SELECT conname, conrelid::regclass::text, pg_get_constraintdef(oid), convalidated FROM pg_constraint ORDER BY 2, 1`,
  ),
});

describe('db:generate', () => {
  test('is refused in production', async () => {
    const secret = () => randomBytes(24).toString('hex');
    const production = {
      NODE_ENV: 'production',
      PUBLIC_URL: 'https://shop.example.com',
      JWT_SECRET: secret(),
      TEST_PROVIDER_SECRET: secret(),
      METRICS_TOKEN: secret(),
      PAYMENT_PROVIDER: 'test',
    };
    const { code, told } = await generate([], production);
    expect({ code, told }).toEqual({ code: 1, told: expect.stringContaining('no place in production') as string });
    expect(await countOrders()).toBe(0);
  });

  test('makes so many orders, and leaves every index and key as it was', async () => {
    const before = await definitions();
    expect(await generate()).toEqual({ code: 0, told: expect.stringContaining(`${ORDERS} orders`) as string });
    expect(await countOrders()).toBe(ORDERS);
    expect(await definitions()).toEqual(before);
  });

  test('its books agree: the doctor finds nothing, but for orders that just ran out', async () => {
    const found = [];
    for (const { name, find } of checksOf(app.modules, app.database, async () => undefined))
      if (name !== 'orders.overdue' && name !== 'jobs.failed')
        found.push(...(await find()).map((one) => ({ name, ...one })));
    expect(found).toEqual([]);
  });

  test('the shop can go on: an order is placed, and staff see it first', async () => {
    const { sku } = await app.sellable();
    const customer = await app.signIn();
    const order = { lines: [{ sku, quantity: 1 }] };
    const { body } = await app.api
      .post('/api/v1/orders')
      .set(customer.auth)
      .set('Idempotency-Key', 'one')
      .send(order)
      .expect(201);
    const support = await app.signIn({ role: 'support' });
    const { body: list } = await app.api.get('/api/v1/orders?limit=1').set(support.auth).expect(200);
    expect((list.data as { id: string }[])[0]?.id).toBe((body.data as { id: string }).id);
  });

  test('is refused where there are orders, unless it is asked for', async () => {
    expect(await generate()).toEqual({ code: 1, told: expect.stringContaining('There are orders already') as string });
    expect((await generate(['--beside'])).code).toBe(0);
    expect(await countOrders()).toBe(2 * ORDERS + 1);
  });
});
