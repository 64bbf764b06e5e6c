// Staff look for accounts; an admin gives roles and disables.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestApp, type Person, type TestApp } from '../../../tests/support/app.ts';
import { hold, untilWaiting } from '../../../tests/support/races.ts';

/** Of user.repository.ts: whoever takes an admin away waits for it. */
const STAFF_LOCK_KEY = 5_480_217_633;
const path = '/api/v1/users';
let app: TestApp;
let admin: Person;
let support: Person;

beforeAll(async () => {
  app = await startTestApp();
  admin = await app.signIn({ role: 'admin' });
  support = await app.signIn({ role: 'support' });
});
afterAll(() => app.close());

const list = (query: string, { auth } = support) => app.api.get(`${path}${query}`).set(auth);
const idsOf = async (query: string): Promise<string[]> =>
  (await list(query).expect(200)).body.data.map(({ id }: { id: string }) => id);
const change = (id: string, body: object, { by = admin, version = 1 } = {}) =>
  app.api.patch(`${path}/${id}`).set(by.auth).set('If-Match', `"${version}"`).send(body);
const me = ({ auth }: Person) => app.api.get('/api/v1/users/me').set(auth);
const refresh = ({ refreshToken }: Person) => app.api.post('/api/v1/auth/refresh').send({ refreshToken });
const standingOf = async ({ userId }: Person) =>
  (await app.sql('SELECT role, status, version FROM users.users WHERE id = $1', [userId]))[0];

describe('looking', () => {
  test('an account is found by its address, whatever the case', async () => {
    const { userId } = await app.signIn({ email: 'emmy@example.com' });
    expect(await idsOf('?email=EMMY@example.com')).toEqual([userId]);
    expect(await idsOf('?email=nobody@example.com')).toEqual([]);
  });

  test('by role and status, and all of them together', async () => {
    const [one, other] = [await app.signIn({ role: 'finance' }), await app.signIn({ role: 'finance' })];
    await change(one.userId, { status: 'disabled' }).expect(200);
    expect(await idsOf('?role=finance')).toEqual([other.userId, one.userId]);
    expect(await idsOf('?role=finance&status=disabled')).toEqual([one.userId]);
    expect(await idsOf(`?role=finance&status=active&email=${other.email}`)).toEqual([other.userId]);
    expect(await idsOf('?role=warehouse')).toEqual([]);
  });

  test('one account shows no more than staff need', async () => {
    const { userId, email } = await app.signIn();
    const { body, headers } = await app.api.get(`${path}/${userId}`).set(support.auth).expect(200);
    expect(body.data).toMatchObject({ id: userId, email, role: 'customer', status: 'active', version: 1 });
    const fields = ['id', 'email', 'emailVerified', 'name', 'role', 'createdAt', 'version', 'status', 'updatedAt'];
    expect(Object.keys(body.data as object).toSorted()).toEqual(fields.toSorted());
    const again = app.api.get(`${path}/${userId}`).set(support.auth).set('If-None-Match', String(headers['etag']));
    expect((await again).status).toBe(304);
  });

  test('one that is not there is not there', async () => {
    const nobody = '01939d3a-7c1e-7b1a-8f00-000000000001';
    expect((await list(`/${nobody}`)).body.code).toBe('user_not_found');
    expect((await change(nobody, { role: 'support' }).expect(404)).body.code).toBe('user_not_found');
  });
});

describe('a new role', () => {
  test('holds at once for the sessions there are', async () => {
    const person = await app.signIn();
    await list('', person).expect(403);
    const { body, headers } = await change(person.userId, { role: 'support' }).expect(200);
    expect(body.data).toMatchObject({ role: 'support', status: 'active', version: 2 });
    expect(headers['etag']).toBe('"2"');
    await list('', person).expect(200);
    await change(person.userId, { role: 'customer' }, { version: 2 }).expect(200);
    await list('', person).expect(403);
    await refresh(person).expect(200);
  });

  test('needs the version that was read', async () => {
    const person = await app.signIn();
    await change(person.userId, { role: 'support' }).expect(200);
    expect((await change(person.userId, { role: 'admin' }).expect(412)).body.code).toBe('version_stale');
    expect(await standingOf(person)).toEqual({ role: 'support', status: 'active', version: 2 });
  });

  test.each([
    ['nothing', {}, 'empty_patch'],
    ['a role nobody knows', { role: 'owner' }, 'invalid_value'],
    ['no role', { role: null }, 'invalid_value'],
    ['another address', { email: 'x@example.com' }, 'unknown_field'],
    ['a password', { password: 'correct horse battery' }, 'unknown_field'],
  ])('%s is refused', async (_what, body, code) => {
    const person = await app.signIn();
    expect((await change(person.userId, body).expect(400)).body.errors[0].code).toBe(code);
    expect(await standingOf(person)).toEqual({ role: 'customer', status: 'active', version: 1 });
  });
});

describe('disabling', () => {
  test('shuts out at once, in every session, and for logins to come', async () => {
    const person = await app.signIn();
    await me(person).expect(200);
    await change(person.userId, { status: 'disabled' }).expect(200);
    await me(person).expect(401);
    await refresh(person).expect(401);
    await app.api.post('/api/v1/auth/login').send({ email: person.email, password: person.password }).expect(401);
  });

  test('ends the sessions for good: enabling opens the door, not the old sessions', async () => {
    const person = await app.signIn();
    await change(person.userId, { status: 'disabled' }).expect(200);
    await change(person.userId, { status: 'active' }, { version: 2 }).expect(200);
    await me(person).expect(401);
    await refresh(person).expect(401);
    await app.api.post('/api/v1/auth/login').send({ email: person.email, password: person.password }).expect(200);
  });

  test('leaves an entry with how it was and how it is', async () => {
    const person = await app.signIn();
    await change(person.userId, { status: 'disabled' }).expect(200);
    const entries = await app.sql(
      `SELECT actor_id AS "actorId", before, after FROM audit.entries WHERE subject_id = $1 AND action = 'user.updated'`,
      [person.userId],
    );
    const common = { email: '[redacted]', name: '[redacted]', role: 'customer' };
    expect(entries).toEqual([
      {
        actorId: admin.userId,
        before: expect.objectContaining({ ...common, status: 'active', version: 1 }),
        after: expect.objectContaining({ ...common, status: 'disabled', version: 2 }),
      },
    ]);
  });

  test('a login that is under way opens nothing', async () => {
    const { userId, email, password } = await app.signIn();
    const held = await hold(app, `UPDATE users.users SET status = 'disabled' WHERE id = $1`, [userId]);
    const login = app.api.post('/api/v1/auth/login').send({ email, password });
    const loggingIn = login.then((response) => response);
    await untilWaiting(app, 1);
    await held.letGo();
    expect((await loggingIn).body.code).toBe('credentials_invalid');
    expect(await app.sql('SELECT FROM users.sessions WHERE user_id = $1', [userId])).toHaveLength(1);
  });
});

describe('the last active admin', () => {
  beforeAll(async () => {
    await app.sql(`UPDATE users.users SET role = 'support' WHERE role = 'admin' AND id <> $1`, [admin.userId]);
  });

  test.each([{ role: 'support' }, { status: 'disabled' }, { role: 'customer', status: 'disabled' }])(
    'cannot be given %j',
    async (body) => {
      const { status, body: problem } = await change(admin.userId, body);
      expect({ status, code: problem.code }).toEqual({ status: 409, code: 'last_admin' });
      expect(await standingOf(admin)).toEqual({ role: 'admin', status: 'active', version: 1 });
    },
  );

  test('is still the last when the other admin is disabled', async () => {
    const other = await app.signIn({ role: 'admin' });
    await change(other.userId, { status: 'disabled' }).expect(200);
    await change(admin.userId, { role: 'support' }).expect(409);
    await change(other.userId, { role: 'customer' }, { version: 2 }).expect(200);
  });

  test('is one of the two who are demoted at the same moment', async () => {
    const other = await app.signIn({ role: 'admin' });
    const held = await hold(app, 'SELECT pg_advisory_xact_lock($1)', [STAFF_LOCK_KEY]);
    const demotions = [
      change(admin.userId, { role: 'support' }, { by: other }),
      change(other.userId, { status: 'disabled' }),
    ].map((one) => one.then(({ status, body }) => ({ status, code: body.code })));
    await untilWaiting(app, 2);
    await held.letGo();
    const answers = await Promise.all(demotions);
    expect(answers.toSorted((a, b) => a.status - b.status)).toEqual([
      { status: 200, code: undefined },
      { status: 409, code: 'last_admin' },
    ]);
    const left = await app.sql(`SELECT id FROM users.users WHERE role = 'admin' AND status = 'active'`);
    expect(left).toHaveLength(1);
  });
});
