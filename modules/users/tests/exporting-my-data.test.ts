// Somebody asks for all that is held about them: everything, and nobody else's.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { key, startTestApp, type Person, type TestApp } from '../../../tests/support/app.ts';

let app: TestApp;

beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());

const dataOf = async ({ auth }: Person) => {
  const { body, headers } = await app.api.get('/api/v1/users/me/export').set(auth).expect(200);
  return { data: body.data, headers };
};

async function paidOrder({ auth }: Person): Promise<string> {
  const { sku } = await app.sellable();
  const body = { lines: [{ sku, quantity: 2 }], note: 'Please ring twice.' };
  const placed = await app.api.post('/api/v1/orders').set(auth).set(key()).send(body).expect(201);
  const { id } = placed.body.data;
  await app.api.post(`/api/v1/orders/${id}/payments`).set(auth).set(key()).send({ token: 'tok_ok' }).expect(201);
  return id;
}

test('profile, sessions, orders with their lines, payments: as their own operations show them', async () => {
  const [person, stranger] = [await app.signIn(), await app.signIn()];
  const [orderId] = [await paidOrder(person), await paidOrder(stranger)];
  const address = { name: 'Ada', line1: 'Street 1', city: 'Town', country: 'DE' };
  await app.api.post('/api/v1/users/me/addresses').set(person.auth).send(address).expect(201);
  const { data, headers } = await dataOf(person);
  const seen = async (path: string) => (await app.api.get(`/api/v1${path}`).set(person.auth).expect(200)).body.data;
  expect(data.profile).toEqual(await seen('/users/me'));
  expect(data.orders).toEqual([await seen(`/orders/${orderId}`)]);
  expect(data.payments).toEqual(await seen(`/orders/${orderId}/payments`));
  expect(data.addresses).toEqual(await seen('/users/me/addresses'));
  expect(data.sessions).toHaveLength(1);
  expect(data.orders[0].lines).toHaveLength(1);
  expect(headers).toMatchObject({
    'content-type': expect.stringContaining('application/json'),
    'cache-control': 'no-store',
  });
  expect(JSON.stringify(data)).not.toContain(stranger.userId);
  expect(JSON.stringify(data)).not.toMatch(/argon2|hash/i);
});

test('staff get their own too, not everybody’s', async () => {
  const [customer, support] = [await app.signIn(), await app.signIn({ role: 'support' })];
  await paidOrder(customer);
  const { data } = await dataOf(support);
  expect(data).toMatchObject({ profile: { id: support.userId }, orders: [], payments: [] });
});

test('all pages of a customer of many years, each order once', async () => {
  const person = await app.signIn();
  const orderId = await paidOrder(person);
  await app.sql(
    `INSERT INTO orders.orders (id, customer_id, status, payment_status, fulfillment_status, currency, subtotal_amount, tax_amount,
       total_amount, placed_at)
     SELECT gen_random_uuid(), customer_id, 'completed', 'paid', 'delivered', currency, subtotal_amount, tax_amount, total_amount, placed_at
     FROM orders.orders, generate_series(1, 250) WHERE id = $1`,
    [orderId],
  );
  const { data } = await dataOf(person);
  expect(data.orders).toHaveLength(251);
  expect(new Set(data.orders.map(({ id }: { id: string }) => id)).size).toBe(251);
});

test('what fails on the way breaks the answer off, and is no whole answer', async () => {
  const person = await app.signIn();
  await paidOrder(person);
  await app.sql('ALTER TABLE payments.payments RENAME TO payments_away');
  const answer = app.api.get('/api/v1/users/me/export').set(person.auth);
  await expect(answer.then(({ body }) => body)).rejects.toThrow(/aborted|hang up|terminated/i);
  await app.sql('ALTER TABLE payments.payments_away RENAME TO payments');
  expect((await dataOf(person)).data.payments).toHaveLength(1);
});

test('an account that is gone has nothing to show', async () => {
  const person = await app.signIn();
  const { accessToken } = person;
  await app.modules.users.verifyToken(accessToken);
  await app.sql(`DELETE FROM users.users WHERE id = $1`, [person.userId]);
  await app.api.get('/api/v1/users/me/export').set(person.auth).expect(401);
});
