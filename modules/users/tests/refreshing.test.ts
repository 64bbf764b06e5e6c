// A login is carried on by refresh tokens: each good once, in several tabs, and never for a thief.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestApp, type Person, type TestApp } from '../../../tests/support/app.ts';

const path = '/api/v1/auth/refresh';
let app: TestApp;

beforeAll(async () => {
  app = await startTestApp({ config: { refreshGraceMs: 10_000 } });
});
afterAll(() => app.close());

const refresh = (refreshToken: string) => app.api.post(path).send({ refreshToken });
const successorOf = async (token: string): Promise<string> => (await refresh(token).expect(200)).body.data.refreshToken;

/** 200, or the code of the refusal. */
const outcomeOf = async (token: string): Promise<unknown> => {
  const { status, body } = await refresh(token);
  return status === 200 ? 200 : body.code;
};

const isRevoked = async ({ userId }: Person): Promise<unknown> =>
  (await app.sql('SELECT revoked_at IS NOT NULL AS revoked FROM users.sessions WHERE user_id = $1', [userId]))[0]
    ?.revoked;

/** By the database's clock, so nobody has to sleep. */
const letPass = ({ userId }: Person, ms: number) =>
  app.sql(`UPDATE users.sessions SET rotated_at = rotated_at - $2 * interval '1 ms' WHERE user_id = $1`, [userId, ms]);

describe('one tab', () => {
  test('goes from token to token, and each access token works', async () => {
    const person = await app.signIn();
    const tokens = [person.refreshToken];
    for (let turn = 0; turn < 4; turn++) {
      const { data } = (await refresh(tokens.at(-1) ?? '').expect(200)).body;
      expect(data).toMatchObject({ tokenType: 'Bearer', expiresIn: 900 });
      await app.api.get('/api/v1/users/me').set('Authorization', `Bearer ${data.accessToken}`).expect(200);
      tokens.push(data.refreshToken);
    }
    expect(new Set(tokens).size).toBe(5);
  });

  test('each refresh lives its whole time from then on', async () => {
    const person = await app.signIn();
    await app.sql(`UPDATE users.sessions SET expires_at = now() + interval '1 minute' WHERE user_id = $1`, [
      person.userId,
    ]);
    await successorOf(person.refreshToken);
    const [row] = await app.sql(
      `SELECT expires_at > now() + interval '29 days' AS "isFar" FROM users.sessions WHERE user_id = $1`,
      [person.userId],
    );
    expect(row).toEqual({ isFar: true });
  });

  test('a spent access token does not stop its own refresh', async () => {
    const { refreshToken } = await app.signIn();
    expect((await refresh(refreshToken).set('Authorization', 'Bearer spent')).status).toBe(200);
  });
});

describe('two tabs', () => {
  test('that spend one token within the grace get the same successor', async () => {
    const person = await app.signIn();
    const first = await successorOf(person.refreshToken);
    await letPass(person, 9000);
    expect(await successorOf(person.refreshToken)).toBe(first);
    expect(await isRevoked(person)).toBe(false);
    expect(await outcomeOf(first)).toBe(200);
  });

  test('a tab that comes after the grace ends the session: it cannot be told from a thief', async () => {
    const person = await app.signIn();
    const successor = await successorOf(person.refreshToken);
    await letPass(person, 10_001);
    expect(await outcomeOf(person.refreshToken)).toBe('refresh_token_invalid');
    expect(await isRevoked(person)).toBe(true);
    expect(await outcomeOf(successor)).toBe('refresh_token_invalid');
    await app.api.get('/api/v1/users/me').set(person.auth).expect(401);
  });

  test('eight at once on each of fifty tokens: fifty successors', async () => {
    const people = [];
    for (let i = 0; i < 50; i++) people.push(await app.signIn());
    const perPerson = await Promise.all(
      people.map(async ({ refreshToken }) => {
        const answers = await Promise.all(Array.from({ length: 8 }, () => refresh(refreshToken)));
        expect(answers.map(({ status }) => status)).toEqual(Array(8).fill(200));
        return new Set<string>(answers.map(({ body }) => body.data.refreshToken));
      }),
    );
    expect(perPerson.map(({ size }) => size)).toEqual(Array(50).fill(1));
    expect(new Set(perPerson.flatMap((tokens) => [...tokens])).size).toBe(50);
    const rows = await app.sql(
      'SELECT count(*)::int AS count FROM users.sessions WHERE generation = 2 AND user_id = ANY($1)',
      [people.map(({ userId }) => userId)],
    );
    expect(rows).toEqual([{ count: 50 }]);
  });
});

describe('a thief', () => {
  test('with a token two turns old ends the session, even within the grace', async () => {
    const person = await app.signIn();
    const second = await successorOf(person.refreshToken);
    const third = await successorOf(second);
    expect(await outcomeOf(person.refreshToken)).toBe('refresh_token_invalid');
    expect(await isRevoked(person)).toBe(true);
    expect(await outcomeOf(third)).toBe('refresh_token_invalid');
  });

  test('ends that session only', async () => {
    const person = await app.signIn();
    const other = (
      await app.api.post('/api/v1/auth/login').send({ email: person.email, password: person.password }).expect(200)
    ).body.data;
    await successorOf(await successorOf(person.refreshToken));
    expect(await outcomeOf(person.refreshToken)).toBe('refresh_token_invalid');
    expect(await outcomeOf(other.refreshToken)).toBe(200);
  });

  test('who forges a token for a session that is known revokes nothing', async () => {
    const person = await app.signIn();
    const successor = await successorOf(person.refreshToken);
    const bytes = Buffer.from(person.refreshToken, 'base64url');
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
    expect(await outcomeOf(bytes.toString('base64url'))).toBe('refresh_token_invalid');
    expect(await isRevoked(person)).toBe(false);
    expect(await outcomeOf(successor)).toBe(200);
  });
});

describe('a session that has ended', () => {
  test.each([
    ['revoked', `UPDATE users.sessions SET revoked_at = now() WHERE user_id = $1`],
    ['expired', `UPDATE users.sessions SET expires_at = now() WHERE user_id = $1`],
    ['of a disabled account', `UPDATE users.users SET status = 'disabled' WHERE id = $1`],
    ['purged', `DELETE FROM users.sessions WHERE user_id = $1`],
  ])('%s is not carried on, by the newest token nor the one before', async (_how, sql) => {
    const person = await app.signIn();
    const newest = await successorOf(person.refreshToken);
    await app.sql(sql, [person.userId]);
    expect(await outcomeOf(newest)).toBe('refresh_token_invalid');
    expect(await outcomeOf(person.refreshToken)).toBe('refresh_token_invalid');
  });
});

describe('a request that does not fit', () => {
  const cases: [string, object, string, string][] = [
    ['nothing', {}, '/refreshToken', 'required'],
    ['a number', { refreshToken: 1 }, '/refreshToken', 'invalid_type'],
    ['an empty text', { refreshToken: '' }, '/refreshToken', 'too_small'],
    ['a text too long', { refreshToken: 'a'.repeat(513) }, '/refreshToken', 'too_big'],
    ['NUL', { refreshToken: 'a\0' }, '/refreshToken', 'invalid_characters'],
    ['anything else', { refreshToken: 'a', scope: 'all' }, '/scope', 'unknown_field'],
  ];

  test.each(cases)('%s', async (_what, body, pointer, code) => {
    const response = await app.api.post(path).send(body);
    expect(response.status).toBe(400);
    expect(response.body).toMatchObject({ code: 'validation_failed', errors: [{ pointer, code }] });
  });

  test.each(['waybill', 'a'.repeat(70), '🦊'])('%s is no token of ours', async (text) => {
    expect(await outcomeOf(text)).toBe('refresh_token_invalid');
  });
});
