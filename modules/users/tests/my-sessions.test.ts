// Somebody sees where they are logged in, and ends a login that is not theirs any more.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestApp, type Person, type TestApp } from '../../../tests/support/app.ts';
import { openSession } from '../../../tests/support/operations.ts';

const path = '/api/v1/users/me/sessions';
let app: TestApp;

beforeAll(async () => {
  app = await startTestApp({ config: { trustProxy: 1 } });
});
afterAll(() => app.close());

type Session = { id: string; createdAt: string; lastUsedAt: string; address: string | null; current: boolean };

const sessionsOf = async ({ auth }: Person): Promise<Session[]> =>
  (await app.api.get(path).set(auth).expect(200)).body.data;
const currentOf = async (person: Person) => (await sessionsOf(person)).find(({ current }) => current)?.id ?? 'none';
const end = ({ auth }: Person, id: string) => app.api.delete(`${path}/${id}`).set(auth);

describe('looking', () => {
  test('each login is there, newest first, and the one of the call is marked', async () => {
    const person = await app.signIn();
    const later = await openSession(app, person);
    const sessions = await sessionsOf(person);
    expect(sessions.map(({ id, current }) => [id, current])).toEqual([
      [later, false],
      [expect.any(String), true],
    ]);
    expect(Object.keys(sessions[0] ?? {})).toEqual(['id', 'createdAt', 'lastUsedAt', 'address', 'current']);
  });

  test('a refresh tells when and whence it was last used', async () => {
    const person = await app.signIn();
    await app.sql(
      `UPDATE users.sessions SET created_at = '2026-01-01Z', rotated_at = '2026-01-01Z' WHERE user_id = $1`,
      [person.userId],
    );
    const { refreshToken } = person;
    const headers = { 'X-Forwarded-For': '203.0.113.7' };
    await app.api.post('/api/v1/auth/refresh').set(headers).send({ refreshToken }).expect(200);
    const [session] = await sessionsOf(person);
    expect(session).toMatchObject({ createdAt: '2026-01-01T00:00:00.000Z', address: '203.0.113.7' });
    expect(Date.parse(session?.lastUsedAt ?? '')).toBeGreaterThan(Date.parse('2026-01-02Z'));
  });

  test('a login tells whence it came', async () => {
    const { email, password, auth } = await app.signIn();
    const headers = { 'X-Forwarded-For': '203.0.113.8' };
    await app.api.post('/api/v1/auth/login').set(headers).send({ email, password }).expect(200);
    expect((await app.api.get(path).set(auth)).body.data[0].address).toBe('203.0.113.8');
  });

  test('logins that have ended, and those of others, are not there', async () => {
    const [person, other] = [await app.signIn(), await app.signIn()];
    const [revoked, expired] = [await openSession(app, person), await openSession(app, person)];
    await app.sql('UPDATE users.sessions SET revoked_at = now() WHERE id = $1', [revoked]);
    await app.sql('UPDATE users.sessions SET expires_at = now() WHERE id = $1', [expired]);
    expect((await sessionsOf(person)).map(({ current }) => current)).toEqual([true]);
    expect(await sessionsOf(other)).toHaveLength(1);
  });
});

describe('ending one', () => {
  test('shuts out whoever has it, at once, and nobody else', async () => {
    const person = await app.signIn();
    const { email, password } = person;
    const stolen = (await app.api.post('/api/v1/auth/login').send({ email, password }).expect(200)).body.data;
    const thief = { Authorization: `Bearer ${stolen.accessToken}` };
    await app.api.get('/api/v1/users/me').set(thief).expect(200);
    const [session] = (await sessionsOf(person)).filter(({ current }) => !current);
    await end(person, session?.id ?? '').expect(204);
    expect((await app.api.get('/api/v1/users/me').set(thief)).body.code).toBe('token_invalid');
    await app.api.post('/api/v1/auth/refresh').send({ refreshToken: stolen.refreshToken }).expect(401);
    expect(await sessionsOf(person)).toHaveLength(1);
  });

  test('one’s own is logging out', async () => {
    const person = await app.signIn();
    await end(person, await currentOf(person)).expect(204);
    await app.api.get(path).set(person.auth).expect(401);
  });

  test('somebody else’s, one that has ended and one that never was are the same: not there', async () => {
    const [person, other] = [await app.signIn(), await app.signIn()];
    const ended = await openSession(app, person);
    await end(person, ended).expect(204);
    for (const id of [await currentOf(other), ended, '01939d3a-7c1e-7b1a-8f00-000000000001']) {
      const { status, body } = await end(person, id);
      expect({ status, code: body.code }).toEqual({ status: 404, code: 'session_not_found' });
    }
    expect(await sessionsOf(other)).toHaveLength(1);
  });
});
