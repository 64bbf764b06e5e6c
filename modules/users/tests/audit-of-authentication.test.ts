// Whatever happens to a login leaves an entry in the trail, and none of them tells a secret or an address of mail.
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { startTestApp, type Person, type TestApp } from '../../../tests/support/app.ts';
import { openSession } from '../../../tests/support/operations.ts';

let app: TestApp;

beforeAll(async () => {
  app = await startTestApp({ config: { trustProxy: 1 } });
});
afterAll(() => app.close());

const requestId = 'story-of-authentication';
const headers = { 'X-Request-Id': requestId, 'X-Forwarded-For': '203.0.113.9' };
const sessionOf = async ({ userId }: Person) =>
  (await app.sql('SELECT id FROM users.sessions WHERE user_id = $1', [userId]))[0]?.['id'];

/** Since the work began. */
async function entriesOf(work: () => PromiseLike<unknown>): Promise<Record<string, unknown>[]> {
  const known = await app.sql('SELECT max(id::text) AS last FROM audit.entries');
  await work();
  return app.sql(
    `SELECT actor_type AS "actorType", actor_id AS "actorId", role, action, subject_type AS "subjectType", subject_id AS "subjectId",
       before, after, address, request_id AS "requestId" FROM audit.entries WHERE id::text > coalesce($1, '') ORDER BY id`,
    [known[0]?.['last']],
  );
}

/** All that any connection of this process sent meanwhile. */
async function statementsOf(work: () => PromiseLike<unknown>): Promise<string[]> {
  const spy = vi.spyOn(pg.Client.prototype, 'query');
  try {
    await work();
    return spy.mock.calls.map(([statement]) => (statement as unknown as { text: string }).text);
  } finally {
    spy.mockRestore();
  }
}

const whence = { address: '203.0.113.9', requestId, before: null, after: null };
const by = ({ userId }: Person, role = 'customer') => ({ actorType: 'user', actorId: userId, role });
const nobody = { actorType: null, actorId: null, role: null };
const post = (path: string, body?: object, auth = {}) =>
  app.api
    .post(`/api/v1${path}`)
    .set({ ...headers, ...auth })
    .send(body);

test('a registration', async () => {
  const newcomer = { email: 'new@example.com', name: 'New', password: 'correct horse battery' };
  const entries = await entriesOf(() => post('/users', newcomer).expect(201));
  const [user] = await app.sql(`SELECT id FROM users.users WHERE email = 'new@example.com'`);
  const subject = { subjectType: 'user', subjectId: user?.['id'] };
  const actor = { actorType: 'user', actorId: user?.['id'], role: 'customer' };
  expect(entries).toEqual([{ ...actor, action: 'auth.registered', ...subject, ...whence }]);
});

test('a registration that is refused leaves none', async () => {
  const { email, password } = await app.signIn();
  expect(await entriesOf(() => post('/users', { email, name: 'New', password }).expect(409))).toEqual([]);
});

describe('a login', () => {
  test('that is good names its session', async () => {
    const person = await app.signIn({ role: 'support' });
    await app.sql('DELETE FROM users.sessions WHERE user_id = $1', [person.userId]);
    const { email, password } = person;
    const entries = await entriesOf(() => post('/auth/login', { email, password }).expect(200));
    const subject = { subjectType: 'session', subjectId: await sessionOf(person) };
    expect(entries).toEqual([{ ...by(person, 'support'), action: 'auth.logged_in', ...subject, ...whence }]);
  });

  test('that fails names the account, if there is one', async () => {
    const { email, userId } = await app.signIn();
    const failed = { ...nobody, action: 'auth.login_failed', subjectType: 'user', ...whence };
    const wrong = await entriesOf(() => post('/auth/login', { email, password: 'wrong' }).expect(401));
    expect(wrong).toEqual([{ ...failed, subjectId: userId }]);
    const unknown = { email: 'nobody@example.com', password: 'wrong' };
    expect(await entriesOf(() => post('/auth/login', unknown).expect(401))).toEqual([{ ...failed, subjectId: null }]);
  });

  test('costs two statements, the same for a stranger and an owner who fails', async () => {
    const { email, password } = await app.signIn();
    const wrong = await statementsOf(() => post('/auth/login', { email, password: 'wrong' }).expect(401));
    const unknown = await statementsOf(() => post('/auth/login', { email: 'no@example.com', password }).expect(401));
    const right = await statementsOf(() => post('/auth/login', { email, password }).expect(200));
    expect(unknown).toEqual(wrong);
    expect([wrong.length, right.length]).toEqual([2, 2]);
  });
});

test('a logout, once however often it is asked for', async () => {
  const person = await app.signIn();
  const entries = await entriesOf(() => post('/auth/logout', undefined, person.auth).expect(204));
  const subject = { subjectType: 'session', subjectId: await sessionOf(person) };
  expect(entries).toEqual([{ ...by(person), action: 'auth.logged_out', ...subject, ...whence }]);
});

test('a session ended from another', async () => {
  const person = await app.signIn();
  const id = await openSession(app, person);
  const end = () => app.api.delete(`/api/v1/users/me/sessions/${id}`).set({ ...headers, ...person.auth });
  const subject = { subjectType: 'session', subjectId: id };
  expect(await entriesOf(() => end().expect(204))).toEqual([
    { ...by(person), action: 'auth.session_revoked', ...subject, ...whence },
  ]);
  expect(await entriesOf(() => end().expect(404))).toEqual([]);
});

test('a stolen refresh token, once', async () => {
  const person = await app.signIn();
  const spend = () => post('/auth/refresh', { refreshToken: person.refreshToken });
  await spend().expect(200);
  await app.sql(`UPDATE users.sessions SET rotated_at = rotated_at - interval '1 minute' WHERE user_id = $1`, [
    person.userId,
  ]);
  const subject = { subjectType: 'session', subjectId: await sessionOf(person) };
  expect(await entriesOf(() => spend().expect(401))).toEqual([
    { ...nobody, action: 'auth.refresh_reused', ...subject, ...whence, after: { userId: person.userId } },
  ]);
  expect(await entriesOf(() => spend().expect(401))).toEqual([]);
});

test('a new password', async () => {
  const person = await app.signIn();
  const body = { currentPassword: person.password, newPassword: 'staple green umbrella' };
  const subject = { subjectType: 'user', subjectId: person.userId };
  expect(await entriesOf(() => post('/users/me/password', body, person.auth).expect(204))).toEqual([
    { ...by(person), action: 'auth.password_changed', ...subject, ...whence },
  ]);
});

test('somebody made by an operator', async () => {
  const { service } = app.modules.users;
  const user = { email: 'made@example.com', password: 'correct horse battery', role: 'finance' } as const;
  const [entry] = await entriesOf(() => service.createUser(user));
  expect(entry).toMatchObject({ ...nobody, action: 'user.created', after: { role: 'finance', email: '[redacted]' } });
});

test('a new name: of staff, not of customers', async () => {
  const rename = async (role: string) => {
    const { auth } = await app.signIn({ role });
    const me = app.api.patch('/api/v1/users/me').set({ ...headers, ...auth, 'If-Match': '"1"' });
    return (await entriesOf(() => me.send({ name: 'Ada King' }).expect(200))).map(({ action, after }) => [
      action,
      after,
    ]);
  };
  expect(await rename('catalog')).toEqual([['user.updated', { name: '[redacted]' }]]);
  expect(await rename('customer')).toEqual([]);
});

test('no entry holds an address of mail, a password or a token', async () => {
  const entries = JSON.stringify(await app.sql('SELECT * FROM audit.entries'));
  expect(entries.length).toBeGreaterThan(1000);
  expect(entries).not.toMatch(/@|horse|umbrella|eyJ/);
});
