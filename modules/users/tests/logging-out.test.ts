// Somebody logs out, is logged out, or is given another role: how soon that holds.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestApp, type TestApp } from '../../../tests/support/app.ts';

let app: TestApp;

beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());

const me = (auth: Record<string, string>) => app.api.get('/api/v1/users/me').set(auth);
const logOut = (auth: Record<string, string>) => app.api.post('/api/v1/auth/logout').set(auth);

describe('logging out', () => {
  test('holds at once: neither token works any more', async () => {
    const { auth, refreshToken } = await app.signIn();
    await me(auth).expect(200);
    expect((await logOut(auth)).status).toBe(204);
    expect((await me(auth).expect(401)).body.code).toBe('token_invalid');
    expect((await app.api.post('/api/v1/auth/refresh').send({ refreshToken }).expect(401)).body.code).toBe(
      'refresh_token_invalid',
    );
  });

  test('holds even for a request that was looking the session up meanwhile', async () => {
    const { auth } = await app.signIn();
    const calls = Array.from({ length: 20 }, () => me(auth).then(({ status }) => status));
    await logOut(auth).expect(204);
    await Promise.all(calls);
    expect((await me(auth)).status).toBe(401);
  });

  test('twice at once is as good as once', async () => {
    const { auth, userId } = await app.signIn();
    const statuses = await Promise.all([logOut(auth), logOut(auth)].map(async (call) => (await call).status));
    expect(statuses.every((status) => status === 204 || status === 401)).toBe(true);
    expect(statuses).toContain(204);
    const rows = await app.sql('SELECT revoked_at IS NOT NULL AS revoked FROM users.sessions WHERE user_id = $1', [
      userId,
    ]);
    expect(rows).toEqual([{ revoked: true }]);
  });

  test('leaves the other logins of the same person open', async () => {
    const { auth, email, password } = await app.signIn();
    const other = (await app.api.post('/api/v1/auth/login').send({ email, password }).expect(200)).body.data;
    await logOut(auth).expect(204);
    expect((await me({ Authorization: `Bearer ${other.accessToken}` })).status).toBe(200);
  });

  test('needs a token', async () => {
    expect((await app.api.post('/api/v1/auth/logout').expect(401)).body.code).toBe('token_required');
  });
});

describe('what happens elsewhere holds here within a second', () => {
  test.each([
    ['a session revoked', 'UPDATE users.sessions SET revoked_at = now() WHERE user_id = $1'],
    ['a session expired', 'UPDATE users.sessions SET expires_at = now() WHERE user_id = $1'],
    ['an account disabled', `UPDATE users.users SET status = 'disabled' WHERE id = $1`],
  ])('%s', async (_what, sql) => {
    const { auth, userId } = await app.signIn();
    await me(auth).expect(200);
    await app.sql(sql, [userId]);
    await sleep(1050);
    expect((await me(auth).expect(401)).body.code).toBe('token_invalid');
  });

  test('an account that is gone has nothing to show, even while its session is remembered', async () => {
    const { auth, userId } = await app.signIn();
    expect((await me(auth)).status).toBe(200);
    await app.sql('DELETE FROM users.users WHERE id = $1', [userId]);
    const response = await me(auth);
    expect(response.status).toBe(401);
    expect(response.body.code).toBe('token_invalid');
  });

  test('a new role, with the token of before', async () => {
    const { accessToken, userId } = await app.signIn();
    expect((await app.modules.users.verifyToken(accessToken)).permissions.has('users:read')).toBe(false);
    await app.sql(`UPDATE users.users SET role = 'support' WHERE id = $1`, [userId]);
    await sleep(1050);
    const actor = await app.modules.users.verifyToken(accessToken);
    expect(actor.role).toBe('support');
    expect(actor.permissions.has('users:read')).toBe(true);
  });
});

test('a session is looked up once for all who come together, and not remembered when that fails', async () => {
  const { accessToken, userId } = await app.signIn();
  await app.sql('ALTER TABLE users.sessions RENAME TO sessions_away');
  const failing = await Promise.allSettled(Array.from({ length: 5 }, () => app.modules.users.verifyToken(accessToken)));
  await app.sql('ALTER TABLE users.sessions_away RENAME TO sessions');
  expect(failing.map(({ status }) => status)).toEqual(Array(5).fill('rejected'));
  expect((await app.modules.users.verifyToken(accessToken)).userId).toBe(userId);
});
