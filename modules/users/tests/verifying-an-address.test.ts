// Somebody registers, gets a mail, and proves with it that the address is theirs.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestApp, type TestApp } from '../../../tests/support/app.ts';
import { hold, untilWaiting } from '../../../tests/support/races.ts';

let app: TestApp;

beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());

const password = 'correct horse battery';
const newAddress = () => `new-${randomUUID()}@example.com`;
const verify = (token: unknown) => app.api.post('/api/v1/auth/verify-email').send({ token });
const mailsTo = (email: string) => app.mails.filter(({ to }) => to === email);

async function register(): Promise<{ id: string; email: string }> {
  const email = newAddress();
  const { body } = await app.api.post('/api/v1/users').send({ email, name: 'New', password }).expect(201);
  return { id: body.data.id, email };
}

async function accountOf(email: string) {
  const { body } = await app.api.post('/api/v1/auth/login').send({ email, password }).expect(200);
  const me = await app.api.get('/api/v1/users/me').set('Authorization', `Bearer ${body.data.accessToken}`).expect(200);
  return me.body.data as { emailVerified: boolean; version: number };
}

test('a newcomer gets one mail, and with its token the address is verified', async () => {
  const { email } = await register();
  expect(await accountOf(email)).toMatchObject({ emailVerified: false, version: 1 });
  const token = await app.mailedToken(email);
  expect(mailsTo(email)).toHaveLength(1);
  expect((await verify(token)).status).toBe(204);
  expect(await accountOf(email)).toMatchObject({ emailVerified: true, version: 2 });
});

test('a refused registration sends none', async () => {
  const { email } = await register();
  await app.dispatch();
  await app.api.post('/api/v1/users').send({ email, name: 'Again', password }).expect(409);
  await app.dispatch();
  expect(mailsTo(email)).toHaveLength(1);
});

test('the mail names nobody: a name is what a stranger wrote', async () => {
  const email = newAddress();
  await app.api.post('/api/v1/users').send({ email, name: 'WIN http://evil.example', password }).expect(201);
  await app.dispatch();
  expect(JSON.stringify(mailsTo(email))).not.toMatch(/WIN|evil/);
});

describe('a token', () => {
  test('is good once', async () => {
    const token = await app.mailedToken((await register()).email);
    await verify(token).expect(204);
    expect((await verify(token).expect(422)).body.code).toBe('verification_token_invalid');
  });

  test('is good once also for two who come together', async () => {
    const { id, email } = await register();
    const token = await app.mailedToken(email);
    const { letGo } = await hold(app, 'SELECT FROM users.users WHERE id = $1 FOR UPDATE', [id]);
    const both = [verify(token), verify(token)].map(async (sent) => (await sent).status);
    await untilWaiting(app, 2);
    await letGo();
    expect(await Promise.all(both)).toEqual(expect.arrayContaining([204, 422]));
    const audited = await app.sql(`SELECT action FROM audit.entries WHERE subject_id = $1`, [id]);
    expect(audited.filter(({ action }) => action === 'auth.email_verified')).toHaveLength(1);
  });

  test('expires', async () => {
    const { id, email } = await register();
    const token = await app.mailedToken(email);
    await app.sql('UPDATE users.one_time_tokens SET expires_at = now() WHERE user_id = $1', [id]);
    expect((await verify(token)).status).toBe(422);
  });

  test('of a disabled account is refused', async () => {
    const { id, email } = await register();
    const token = await app.mailedToken(email);
    await app.sql(`UPDATE users.users SET status = 'disabled' WHERE id = $1`, [id]);
    expect((await verify(token)).status).toBe(422);
  });

  test('does not choose a password', async () => {
    const token = await app.mailedToken((await register()).email);
    const body = { token, newPassword: 'staple green umbrella' };
    expect((await app.api.post('/api/v1/auth/reset-password').send(body)).status).toBe(422);
    expect((await verify(token)).status).toBe(204);
  });

  test('is stored nowhere, neither in its table nor in a fact', async () => {
    const { email } = await register();
    const token = await app.mailedToken(email);
    const stored = await app.sql(
      `SELECT t::text AS row FROM users.one_time_tokens t UNION ALL SELECT o::text FROM events.outbox o
       UNION ALL SELECT d::text FROM events.deliveries d UNION ALL SELECT e::text FROM audit.entries e`,
    );
    const hex = Buffer.from(token).toString('hex');
    expect(stored.length).toBeGreaterThan(3);
    for (const { row } of stored) {
      expect(row).not.toContain(token);
      expect(row).not.toContain(hex);
      expect(row).not.toContain(email);
    }
  });

  test.each([['nonsense'], ['a'.repeat(128)], ['AAAA\u2028'], ['’ OR true --']])('%s is no token', async (token) => {
    expect((await verify(token).expect(422)).body.code).toBe('verification_token_invalid');
  });

  test.each([[''], ['a'.repeat(129)], [1], [null], [undefined], [['a']], ['a\0b'], ['\ud800']])(
    '%s does not fit',
    async (token) => {
      expect((await verify(token).expect(400)).body.code).toBe('validation_failed');
    },
  );
});

describe('hearing of a registration twice', () => {
  const again = (id: string) =>
    app.sql(
      `UPDATE events.deliveries SET status = 'pending', next_at = now() WHERE aggregate_id = $1 AND subscriber = 'users.verification-mail'`,
      [id],
    );

  test('leaves one valid token, the newer one', async () => {
    const { id, email } = await register();
    const older = await app.mailedToken(email);
    await again(id);
    const newer = await app.mailedToken(email);
    expect(newer).not.toBe(older);
    expect((await verify(older)).status).toBe(422);
    expect((await verify(newer)).status).toBe(204);
  });

  test('sends no more to an address that is verified', async () => {
    const { id, email } = await register();
    await verify(await app.mailedToken(email)).expect(204);
    await again(id);
    await app.dispatch();
    expect(mailsTo(email)).toHaveLength(1);
  });
});

test('who was made by staff has no mail to wait for', async () => {
  const { email } = await app.signIn();
  await app.dispatch();
  expect(mailsTo(email)).toEqual([]);
});

test('expired tokens are cleared away, others stay', async () => {
  const [old, young] = [await register(), await register()];
  const token = await app.mailedToken(young.email);
  await app.sql('UPDATE users.one_time_tokens SET expires_at = now() WHERE user_id = $1', [old.id]);
  await app.runJob('users.purge-tokens');
  expect(await app.sql('SELECT FROM users.one_time_tokens WHERE user_id = $1', [old.id])).toEqual([]);
  await verify(token).expect(204);
});
