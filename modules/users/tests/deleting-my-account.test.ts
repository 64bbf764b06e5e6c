// Somebody asks to be forgotten: what goes, what stays, what refuses it, and what races with it.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { key, startTestApp, type Person, type TestApp } from '../../../tests/support/app.ts';
import { hold, untilWaiting } from '../../../tests/support/races.ts';

let app: TestApp;

beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());

const path = '/api/v1/users/me';
const me = ({ auth }: Person) => app.api.get(path).set(auth);
const deleteMe = ({ auth }: Person, version = 1) => app.api.delete(path).set(auth).set('If-Match', `"${version}"`);
const logIn = (email: string, password: string) => app.api.post('/api/v1/auth/login').send({ email, password });
const address = { name: 'Ada Canary', line1: 'Canary Wharf 1', city: 'Canaria', postalCode: '4711', country: 'DE' };
const cancel = ({ auth }: Person, orderId: string) =>
  app.api.post(`/api/v1/orders/${orderId}/cancellation`).set(auth).set(key());

async function order({ auth }: Person) {
  const { sku } = await app.sellable();
  const body = { lines: [{ sku, quantity: 1 }], shippingAddress: address, note: 'Canary: ring twice' };
  return app.api.post('/api/v1/orders').set(auth).set(key()).send(body);
}

async function cancelledOrder(person: Person): Promise<{ id: string; number: string }> {
  const { body } = await order(person);
  await cancel(person, body.data.id).send({ reason: 'Canary moved' }).expect(200);
  return body.data;
}

describe('an account without open orders', () => {
  test('is deleted: no login, no token, and the address is free again', async () => {
    const person = await app.signIn();
    await me(person).expect(200);
    expect((await deleteMe(person)).status).toBe(204);
    expect((await me(person).expect(401)).body.code).toBe('token_invalid');
    await app.api.post('/api/v1/auth/refresh').send({ refreshToken: person.refreshToken }).expect(401);
    await logIn(person.email, person.password).expect(401);
    await app.api
      .post('/api/v1/users')
      .send({ email: person.email, name: 'New', password: person.password })
      .expect(201);
    await logIn(person.email, person.password).expect(200);
  });

  test('leaves no personal data in any table, but amounts, numbers and ids', async () => {
    const person = await app.signIn({ email: 'canary@example.com' });
    const { id, number } = await cancelledOrder(person);
    await app.api.post('/api/v1/auth/forgot-password').send({ email: person.email }).expect(202);
    await app.dispatch();
    await app.api.post(`${path}/addresses`).set(person.auth).send(address).expect(201);
    await deleteMe(person).expect(204);
    const [kept] = await app.sql(
      `SELECT 'W-' || number AS number, customer_id, total_amount::int AS total, shipping_address, note, cancel_reason FROM orders.orders WHERE id = $1`,
      [id],
    );
    expect(kept).toEqual({
      number,
      customer_id: person.userId,
      total: 1190,
      shipping_address: null,
      note: null,
      cancel_reason: null,
    });
    expect(await rowsWith(/canary/i, ['users', 'orders', 'payments', 'audit', 'catalog'])).toEqual([]);
    for (const table of ['sessions', 'addresses', 'one_time_tokens'])
      expect(await app.sql(`SELECT FROM users.${table} WHERE user_id = $1`, [person.userId])).toEqual([]);
  });

  test('is shown to staff as deleted, and nothing of it can change', async () => {
    const [person, admin] = [await app.signIn(), await app.signIn({ role: 'admin' })];
    await deleteMe(person).expect(204);
    const at = `/api/v1/users/${person.userId}`;
    const { body } = await app.api.get(at).set(admin.auth).expect(200);
    expect(body.data).toMatchObject({
      email: `${person.userId}@deleted.invalid`,
      name: 'Deleted account',
      status: 'deleted',
      emailVerified: false,
    });
    const change = app.api.patch(at).set(admin.auth).set('If-Match', '"2"').send({ status: 'active' });
    expect((await change.expect(409)).body.code).toBe('user_deleted');
    await logIn(`${person.userId}@deleted.invalid`, '').expect(400);
    await logIn(`${person.userId}@deleted.invalid`, person.password).expect(401);
  });

  test('cannot be reset or verified by a mail of before', async () => {
    const person = await app.signIn();
    await app.api.post('/api/v1/auth/forgot-password').send({ email: person.email }).expect(202);
    const token = await app.mailedToken(person.email);
    await deleteMe(person).expect(204);
    const body = { token, newPassword: 'staple green umbrella' };
    await app.api.post('/api/v1/auth/reset-password').send(body).expect(422);
  });

  test('is in the trail, by its owner', async () => {
    const person = await app.signIn();
    await deleteMe(person).expect(204);
    const entries = await app.sql(
      `SELECT actor_id, before, after FROM audit.entries WHERE action = 'user.deleted' AND subject_id = $1`,
      [person.userId],
    );
    expect(entries).toEqual([{ actor_id: person.userId, before: null, after: null }]);
  });

  test('needs the version that was read', async () => {
    const person = await app.signIn();
    expect((await app.api.delete(path).set(person.auth)).status).toBe(428);
    expect((await deleteMe(person, 2)).status).toBe(412);
    await me(person).expect(200);
  });
});

describe('an open order refuses it', () => {
  test.each([
    ['pending_payment', `status = 'pending_payment'`],
    ['confirmed', `status = 'confirmed', expires_at = NULL`],
    ['fulfilled', `status = 'fulfilled', expires_at = NULL`],
  ])('%s', async (_status, change) => {
    const person = await app.signIn();
    const { id } = (await order(person)).body.data;
    await app.sql(`UPDATE orders.orders SET ${change} WHERE id = $1`, [id]);
    expect((await deleteMe(person).expect(409)).body.code).toBe('orders_open');
    const { body } = await app.api.get(`/api/v1/orders/${id}`).set(person.auth).expect(200);
    expect(body.data).toMatchObject({ shippingAddress: address, note: 'Canary: ring twice' });
    await logIn(person.email, person.password).expect(200);
  });

  test.each(['completed', 'expired', 'cancelled'])('%s does not', async (status) => {
    const person = await app.signIn();
    const { id } = (await order(person)).body.data;
    await app.sql(`UPDATE orders.orders SET status = $2, expires_at = NULL WHERE id = $1`, [id, status]);
    expect((await deleteMe(person)).status).toBe(204);
  });
});

describe('an order placed at the same moment', () => {
  /** Both want the account: whoever asked first gets it first. */
  async function race(
    first: () => PromiseLike<{ status: number }>,
    second: () => PromiseLike<{ status: number }>,
    userId: string,
  ) {
    const { letGo } = await hold(app, 'SELECT FROM users.users WHERE id = $1 FOR UPDATE', [userId]);
    const one = Promise.resolve(first()).then(({ status }) => status);
    await untilWaiting(app, 1);
    const two = Promise.resolve(second()).then(({ status }) => status);
    await untilWaiting(app, 2);
    await letGo();
    return [await one, await two];
  }

  test('finds no account when the deletion came first, and nothing is reserved', async () => {
    const person = await app.signIn();
    await me(person).expect(200);
    const { sku } = await app.sellable({ onHand: 1 });
    const place = () =>
      app.api
        .post('/api/v1/orders')
        .set(person.auth)
        .set(key())
        .send({ lines: [{ sku, quantity: 1 }], shippingAddress: address });
    expect(await race(() => deleteMe(person), place, person.userId)).toEqual([204, 401]);
    expect(await app.sql('SELECT FROM orders.orders WHERE customer_id = $1', [person.userId])).toEqual([]);
    expect(await app.sql('SELECT reserved FROM catalog.stock WHERE sku = $1', [sku])).toEqual([{ reserved: 0 }]);
  });

  test('refuses the deletion when it came first', async () => {
    const person = await app.signIn();
    const { sku } = await app.sellable();
    const place = () =>
      app.api
        .post('/api/v1/orders')
        .set(person.auth)
        .set(key())
        .send({ lines: [{ sku, quantity: 1 }] });
    expect(await race(place, () => deleteMe(person), person.userId)).toEqual([201, 409]);
  });

  test('by staff for the customer is told that there is no such account', async () => {
    const [person, support] = [await app.signIn(), await app.signIn({ role: 'support' })];
    const { sku } = await app.sellable();
    const place = () =>
      app.api
        .post('/api/v1/orders')
        .set(support.auth)
        .set(key())
        .send({ customerId: person.userId, lines: [{ sku, quantity: 1 }] });
    expect(await race(() => deleteMe(person), place, person.userId)).toEqual([204, 422]);
  });

  test('an address kept at the same moment is not kept', async () => {
    const person = await app.signIn();
    await me(person).expect(200);
    const keep = () => app.api.post(`${path}/addresses`).set(person.auth).send(address);
    expect(await race(() => deleteMe(person), keep, person.userId)).toEqual([204, 401]);
    expect(await app.sql('SELECT FROM users.addresses WHERE user_id = $1', [person.userId])).toEqual([]);
  });

  test('a login at the same moment opens nothing', async () => {
    const person = await app.signIn();
    const login = () => logIn(person.email, person.password);
    expect(await race(() => deleteMe(person), login, person.userId)).toEqual([204, 401]);
    expect(await app.sql('SELECT FROM users.sessions WHERE user_id = $1', [person.userId])).toEqual([]);
  });
});

describe('the last admin', () => {
  test('stays, also when two go at once', async () => {
    const story = await startTestApp();
    const [one, other] = [await story.signIn({ role: 'admin' }), await story.signIn({ role: 'admin' })];
    const go = ({ auth }: Person) => story.api.delete(path).set(auth).set('If-Match', '"1"');
    const { letGo } = await hold(story, 'SELECT FROM users.users WHERE id = ANY ($1) FOR UPDATE', [
      [one.userId, other.userId],
    ]);
    const both = [one, other].map(async (admin) => (await go(admin)).status);
    await untilWaiting(story, 2);
    await letGo();
    const statuses = await Promise.all(both);
    expect(statuses).toEqual(expect.arrayContaining([204, 409]));
    const left = await story.sql(`SELECT FROM users.users WHERE role = 'admin' AND status = 'active'`);
    expect(left).toHaveLength(1);
    await story.close();
  });
});

/** Tables in which some row has it, whatever the column. */
async function rowsWith(pattern: RegExp, schemas: string[]): Promise<string[]> {
  const tables = await app.sql<{ name: string }>(
    `SELECT format('%I.%I', table_schema, table_name) AS name FROM information_schema.tables WHERE table_schema = ANY ($1) AND table_type = 'BASE TABLE'`,
    [schemas],
  );
  const found: string[] = [];
  for (const { name } of tables) {
    const rows = await app.sql<{ row: string }>(`SELECT t::text AS row FROM ${name} t`);
    if (rows.some(({ row }) => pattern.test(row))) found.push(name);
  }
  return found;
}
