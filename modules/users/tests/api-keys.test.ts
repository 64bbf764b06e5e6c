// An admin makes a key for a program; it does what its scopes allow, under its own name, until it is revoked.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { key as idempotencyKey, startTestApp, type Person, type TestApp } from '../../../tests/support/app.ts';
import { makeKey } from '../../../tests/support/operations.ts';
import { hold } from '../../../tests/support/races.ts';

const path = '/api/v1/api-keys';
let app: TestApp;
let admin: Person;

beforeAll(async () => {
  app = await startTestApp({ config: { rateLimitAccountMax: 30 } });
  admin = await app.signIn({ role: 'admin' });
});
afterAll(() => app.close());

type Auth = Record<string, string>;
const make = (body: object) =>
  app.api
    .post(path)
    .set(admin.auth)
    .send({ name: 'Scanner', scopes: ['stock:read'], ...body });
const revoke = (id: string) => app.api.delete(`${path}/${id}`).set(admin.auth);
const stock = (auth: Auth) => app.api.get('/api/v1/stock').set(auth);
const statusOf = async (auth: Auth) => (await stock(auth)).status;

beforeAll(async () => void (await app.sellable()));

describe('making one', () => {
  test('shows the secret once, and stores its sha256', async () => {
    const { body, headers } = await make({ scopes: ['stock:read', 'orders:read', 'stock:read'] }).expect(201);
    const { secret, ...key } = body.data;
    expect(secret).toMatch(/^wb_[\w-]{43}$/);
    expect(key).toEqual({
      id: expect.any(String),
      name: 'Scanner',
      prefix: secret.slice(0, 9),
      scopes: ['stock:read', 'orders:read'],
      createdBy: admin.userId,
      createdAt: expect.any(String),
      expiresAt: null,
      revokedAt: null,
      lastUsedAt: null,
    });
    expect(headers['location']).toBe(`${path}/${key.id}`);
    expect((await app.api.get(`${path}/${key.id}`).set(admin.auth).expect(200)).body.data).toEqual(key);
    const [row] = await app.sql(
      `SELECT secret_hash = sha256(convert_to($1, 'UTF8')) AS "isHash", k::text AS contents FROM users.api_keys k WHERE id = $2`,
      [secret, key.id],
    );
    expect(row).toEqual({ isHash: true, contents: expect.not.stringContaining(secret) });
  });

  test('leaves an entry that holds no secret, and so does revoking it, once', async () => {
    const { secret, id } = (await make({}).expect(201)).body.data;
    for (let i = 0; i < 2; i++) await revoke(id).expect(204);
    const entries = await app.sql(
      'SELECT action, actor_id AS "actorId", e::text AS contents FROM audit.entries e WHERE subject_id = $1 ORDER BY id',
      [id],
    );
    expect(entries.map(({ action, actorId }) => [action, actorId])).toEqual([
      ['api_key.created', admin.userId],
      ['api_key.revoked', admin.userId],
    ]);
    expect(JSON.stringify(entries)).not.toContain(secret.slice(9));
  });

  test.each([
    ['account:own', '/scopes/0'],
    ['orders:own', '/scopes/0'],
    ['users:write', '/scopes/0'],
    ['api-keys:write', '/scopes/0'],
    ['everything', '/scopes/0'],
  ])('the scope %s is not to be had', async (scope, pointer) => {
    const { body } = await make({ scopes: [scope] }).expect(400);
    expect(body.errors).toEqual([expect.objectContaining({ pointer })]);
  });

  test.each([
    ['no scope', { scopes: [] }, 400, 'validation_failed'],
    ['no name', { name: ' ' }, 400, 'validation_failed'],
    ['a secret of one’s own', { secret: 'x' }, 400, 'validation_failed'],
    ['an end in the past', { expiresAt: '2020-01-01T00:00:00Z' }, 422, 'expiry_passed'],
  ])('%s is refused', async (_what, change, status, code) => {
    const { body, status: answered } = await make(change);
    expect({ status: answered, code: body.code }).toEqual({ status, code });
  });

  test('a key that is not there is not there', async () => {
    const nothing = '01939d3a-7c1e-7b1a-8f00-000000000001';
    expect((await revoke(nothing).expect(404)).body.code).toBe('api_key_not_found');
    await app.api.get(`${path}/${nothing}`).set(admin.auth).expect(404);
  });
});

describe('using one', () => {
  test('does what its scopes allow, and nothing else', async () => {
    const { auth } = await makeKey(app, ['stock:read']);
    await stock(auth).expect(200);
    for (const other of ['/orders', '/users', '/users/me', '/users/me/sessions', '/api-keys', '/audit-entries'])
      expect((await app.api.get(`/api/v1${other}`).set(auth)).body.code).toBe('permission_denied');
  });

  test('stands for itself', async () => {
    const { id, secret } = await makeKey(app, ['stock:read']);
    const { permissions, ...actor } = await app.modules.users.verifyToken(secret);
    expect(actor).toEqual({ kind: 'api_key', userId: id, sessionId: null, role: 'api_key' });
    expect([...permissions]).toEqual(['stock:read']);
  });

  test('a scope that is none any more is worth nothing', async () => {
    const { id, secret } = await makeKey(app, ['stock:read']);
    await app.sql(`UPDATE users.api_keys SET scopes = '{stock:read,account:own,users:write,gone}' WHERE id = $1`, [id]);
    expect([...(await app.modules.users.verifyToken(secret)).permissions]).toEqual(['stock:read']);
  });

  test('places orders for customers, whom it names, and never for itself', async () => {
    const { id, auth } = await makeKey(app, ['orders:place']);
    const customer = await app.signIn();
    const { sku } = await app.sellable();
    const place = (more: object) =>
      app.api
        .post('/api/v1/orders')
        .set(auth)
        .set(idempotencyKey())
        .send({ lines: [{ sku, quantity: 1 }], ...more });
    for (const more of [{}, { customerId: id }]) {
      const { body } = await place(more).expect(400);
      expect(body.errors).toEqual([expect.objectContaining({ pointer: '/customerId', code: 'required' })]);
    }
    const { body } = await place({ customerId: customer.userId }).expect(201);
    expect(body.data.customerId).toBe(customer.userId);
    await app.api.get(`/api/v1/orders/${body.data.id}`).set(auth).expect(403);
    await app.api.get(`/api/v1/orders/${body.data.id}`).set(customer.auth).expect(200);
  });

  test('is counted by key, not by who made them', async () => {
    const [one, other] = [(await make({}).expect(201)).body.data, (await make({}).expect(201)).body.data];
    const call = ({ secret }: { secret: string }) => stock({ Authorization: `Bearer ${secret}` });
    for (let i = 0; i < 30; i++) await call(one).expect(200);
    await call(one).expect(429);
    await call(other).expect(200);
  });

  test('writes when it was used once a minute, not once a request', async () => {
    const lastUse = async (agoSeconds: number | null) => {
      const { id, auth } = await makeKey(app, ['stock:read']);
      await app.sql(`UPDATE users.api_keys SET last_used_at = now() - $2 * interval '1 s' WHERE id = $1`, [
        id,
        agoSeconds,
      ]);
      await stock(auth).expect(200);
      const [row] = await app.sql(
        `SELECT last_used_at > now() - interval '20 s' AS "isNow" FROM users.api_keys WHERE id = $1`,
        [id],
      );
      return row?.['isNow'];
    };
    expect([await lastUse(null), await lastUse(61), await lastUse(40)]).toEqual([true, true, false]);
  });
});

describe('the end of one', () => {
  test('comes at once with its revocation, also for requests that come meanwhile', async () => {
    const { id, auth } = await makeKey(app, ['stock:read']);
    const calls = Array.from({ length: 20 }, () => statusOf(auth));
    await revoke(id).expect(204);
    await Promise.all(calls);
    expect((await stock(auth).expect(401)).body.code).toBe('token_invalid');
    const { body } = await app.api.get(`${path}/${id}`).set(admin.auth).expect(200);
    expect(body.data.revokedAt).toEqual(expect.any(String));
  });

  test('a key’s row that somebody holds keeps no request waiting', async () => {
    const { id, auth } = await makeKey(app, ['stock:read']);
    const held = await hold(app, 'SELECT FROM users.api_keys WHERE id = $1 FOR UPDATE', [id]);
    expect(await statusOf(auth)).toBe(200);
    await held.letGo();
  });

  test.each([
    ['revoked', 'UPDATE users.api_keys SET revoked_at = now() WHERE id = $1'],
    ['expired', 'UPDATE users.api_keys SET expires_at = now() WHERE id = $1'],
  ])('comes within a second when it was %s elsewhere', async (_how, sql) => {
    const { id, auth } = await makeKey(app, ['stock:read'], { expiresAt: '2099-01-01T00:00:00Z' });
    await stock(auth).expect(200);
    await app.sql(sql, [id]);
    await sleep(1050);
    await stock(auth).expect(401);
  });

  test('a key that was never made opens nothing', async () => {
    const { secret } = await makeKey(app, ['stock:read']);
    for (const token of [
      secret.replace(/.$/, secret.endsWith('A') ? 'B' : 'A'),
      secret.slice(0, -1),
      'wb_',
      `${secret}A`,
    ])
      expect((await stock({ Authorization: `Bearer ${token}` })).body.code).toBe('token_invalid');
  });
});
