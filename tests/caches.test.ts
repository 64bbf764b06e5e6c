// Two processes that remember: what one changes the other tells too, also when the word of it was lost.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { key, startTestApp, type Person, type TestApp } from './support/app.ts';
import { startServerProcess, type ServerProcess } from './support/server-process.ts';

let app: TestApp;
let other: ServerProcess;
let admin: Person;

beforeAll(async () => {
  app = await startTestApp();
  [admin, other] = await Promise.all([
    app.signIn({ role: 'admin' }),
    startServerProcess({ DATABASE_URL: app.databaseUrlFor('waybill') }),
  ]);
}, 120_000);
afterAll(async () => {
  await other.stop();
  await app.close();
});

type Product = { version: number; title: string; variants: { price: { amount: number } }[] };

async function ask(path: string, headers: Record<string, string> = {}): Promise<{ status: number; data: Product }> {
  const response = await fetch(`${other.url}/api/v1${path}`, { headers });
  return { status: response.status, data: ((await response.json()) as { data: Product }).data };
}
const toldPrice = async (id: string) => (await ask(`/products/${id}`)).data.variants[0]?.price.amount;
const toldTitle = async (id: string) => (await ask(`/products/${id}`)).data.title;

const hits = async (): Promise<number> => {
  const text = await (await fetch(`${other.url}/metrics`)).text();
  return Number(/cache_requests_total\{cache="products",result="hit"\} (\d+)/.exec(text)?.[1]);
};

/** As staff do, at this process. */
async function changePrice(id: string, sku: string, amount: number): Promise<void> {
  const { body } = await app.api.get(`/api/v1/products/${id}`).set(admin.auth).expect(200);
  const { version } = body.data as Product;
  const headers = { ...admin.auth, ...key(), 'If-Match': `"${version}"` };
  const variants = [{ sku, price: { amount, currency: 'EUR' } }];
  await app.api.patch(`/api/v1/products/${id}`).set(headers).send({ variants }).expect(200);
}

/** Past the triggers that tell of it: a word that is lost. */
const changeSilently = (
  id: string,
  { title, status, version }: { title?: string; status?: string; version?: number },
) =>
  app.sql(
    `WITH silent AS MATERIALIZED (SELECT set_config('session_replication_role', 'replica', true))
     UPDATE catalog.products SET title = coalesce($2, title), status = coalesce($3, status), version = coalesce($4, version)
     FROM silent WHERE id = $1`,
    [id, title, status, version],
  );

async function listenerOf(): Promise<number> {
  const [row] = await app.sql<{ pid: number }>(
    `SELECT pid FROM pg_stat_activity WHERE application_name = 'waybill-changes' AND datname = current_database()`,
  );
  return row?.pid ?? 0;
}

test('a new price at one is told by the other, which asks the database once for many', async () => {
  await expect.poll(listenerOf, { timeout: 10_000 }).toBeGreaterThan(0);
  const { productId, sku } = await app.sellable({ amount: 1000 });
  const before = await hits();
  for (let i = 0; i < 5; i++) expect(await toldPrice(productId)).toBe(1000);
  expect(await hits()).toBeGreaterThanOrEqual(before + 4);
  await changePrice(productId, sku, 2000);
  await expect.poll(() => toldPrice(productId), { timeout: 10_000 }).toBe(2000);
});

test('what goes past the application is heard, too', async () => {
  const { productId } = await app.sellable({ title: 'A mug' });
  expect(await toldTitle(productId)).toBe('A mug');
  await app.sql(`UPDATE catalog.products SET title = 'A cup' WHERE id = $1`, [productId]);
  await expect.poll(() => toldTitle(productId), { timeout: 10_000 }).toBe('A cup');
});

test('a list tells of each product as it is, though the word of a change has not been heard', async () => {
  const { productId } = await app.sellable({ title: 'A mug' });
  const listed = async () => {
    const response = await fetch(`${other.url}/api/v1/products?limit=100`);
    const { data } = (await response.json()) as { data: (Product & { id: string; status: string })[] };
    return data.find(({ id }) => id === productId);
  };
  expect(await listed()).toMatchObject({ title: 'A mug', version: 1 });
  const before = await hits();
  expect(await listed()).toMatchObject({ title: 'A mug', version: 1 });
  expect(await hits()).toBeGreaterThan(before);

  await changeSilently(productId, { title: 'A cup', version: 2 });
  expect(await listed()).toMatchObject({ title: 'A cup', version: 2 });
  await changeSilently(productId, { status: 'archived', version: 3 });
  expect(await listed()).toBeUndefined();
});

test('what a SKU is sold as is remembered for orders, and forgotten when it changes', async () => {
  const { productId, sku } = await app.sellable({ title: 'A mug', amount: 1000, taxRateBps: 0 });
  const { auth } = await app.signIn();
  const order = async () => {
    const response = await fetch(`${other.url}/api/v1/orders`, {
      method: 'POST',
      headers: { ...auth, ...key(), 'Content-Type': 'application/json' },
      body: JSON.stringify({ lines: [{ sku, quantity: 1 }] }),
    });
    const { data } = (await response.json()) as { data: { total: { amount: number }; lines: { title: string }[] } };
    return [data.lines[0]?.title, data.total.amount];
  };
  for (let i = 0; i < 3; i++) expect(await order()).toEqual(['A mug', 1000]);
  await changePrice(productId, sku, 2000);
  expect(await order()).toEqual(['A mug', 2000]);
  // No statement compares titles.
  await app.sql(`UPDATE catalog.products SET title = 'A cup' WHERE id = $1`, [productId]);
  await expect.poll(order, { timeout: 10_000 }).toEqual(['A cup', 2000]);
});

test('a word that was lost with its connection leaves nothing old behind', async () => {
  const { productId } = await app.sellable({ title: 'A mug' });
  expect(await toldTitle(productId)).toBe('A mug');
  await changeSilently(productId, { title: 'A cup' });
  expect(await toldTitle(productId)).toBe('A mug');
  const listener = await listenerOf();
  await app.sql('SELECT pg_terminate_backend($1)', [listener]);
  await expect.poll(() => toldTitle(productId), { timeout: 10_000 }).toBe('A cup');
  await expect.poll(listenerOf, { timeout: 10_000 }).not.toBe(listener);
});

test('a role taken away at one is refused by the other', async () => {
  const clerk = await app.signIn({ role: 'support' });
  expect((await ask('/users', clerk.auth)).status).toBe(200);
  const user = await app.api.get(`/api/v1/users/${clerk.userId}`).set(admin.auth).expect(200);
  const headers = { ...admin.auth, 'If-Match': user.headers['etag'] ?? '' };
  await app.api.patch(`/api/v1/users/${clerk.userId}`).set(headers).send({ role: 'customer' }).expect(200);
  await expect.poll(async () => (await ask('/users', clerk.auth)).status, { timeout: 10_000 }).toBe(403);
});
