// Somebody logs in, or tries to.
import { decodeJwt, decodeProtectedHeader } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestApp, type TestApp } from '../../../tests/support/app.ts';

const path = '/api/v1/auth/login';
let app: TestApp;

beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());

const logIn = (body: object) => app.api.post(path).send(body);

test('the right password gives tokens that work', async () => {
  const { email, password, userId } = await app.signIn({ email: 'ada@example.com' });
  const response = await logIn({ email: ` ${email.toUpperCase()} `, password });
  expect(response.status).toBe(200);
  expect(response.body.data).toEqual({
    accessToken: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/),
    refreshToken: expect.stringMatching(/^[\w-]{70}$/),
    tokenType: 'Bearer',
    expiresIn: 900,
  });
  const me = await app.api.get('/api/v1/users/me').set('Authorization', `Bearer ${response.body.data.accessToken}`);
  expect(me.body.data.id).toBe(userId);
});

test('a token tells who and which login, never what they may do', async () => {
  const { accessToken, userId } = await app.signIn({ role: 'admin' });
  const claims = decodeJwt(accessToken);
  expect(decodeProtectedHeader(accessToken)).toEqual({ alg: 'HS256', typ: 'at+jwt' });
  expect(Object.keys(claims).toSorted()).toEqual(['aud', 'exp', 'iat', 'iss', 'sid', 'sub']);
  expect(claims).toMatchObject({ sub: userId, iss: 'waybill', aud: 'waybill-api' });
});

test('what is stored of a refresh token is its hash', async () => {
  const { refreshToken, userId } = await app.signIn();
  const rows = await app.sql(
    `SELECT token_hash = sha256(convert_to($1, 'UTF8')) AS "isHash", expires_at - created_at = interval '30 days' AS "isMonth",
            previous_token_hash IS NULL AS "isFirst" FROM users.sessions WHERE user_id = $2`,
    [refreshToken, userId],
  );
  expect(rows).toEqual([{ isHash: true, isMonth: true, isFirst: true }]);
});

describe('who may not in', () => {
  test('an unknown address, a wrong password and a disabled account get the very same answer', async () => {
    const { email, password } = await app.signIn();
    const disabled = await app.signIn();
    await app.sql(`UPDATE users.users SET status = 'disabled' WHERE id = $1`, [disabled.userId]);
    const answers = [
      await logIn({ email, password: 'not this one' }),
      await logIn({ email: 'nobody@example.com', password }),
      await logIn({ email: disabled.email, password: disabled.password }),
    ].map(({ status, headers, body }) => ({
      status,
      headers: Object.keys(headers),
      body: { ...body, requestId: 'any' },
    }));
    expect(answers[0]).toMatchObject({ status: 401, body: { code: 'credentials_invalid' } });
    expect(answers[1]).toEqual(answers[0]);
    expect(answers[2]).toEqual(answers[0]);
  });

  test('a refused login opens no session', async () => {
    const { email, userId } = await app.signIn();
    await logIn({ email, password: 'not this one' }).expect(401);
    expect(await app.sql('SELECT count(*)::int AS count FROM users.sessions WHERE user_id = $1', [userId])).toEqual([
      { count: 1 },
    ]);
  });
});

describe('a request that does not fit', () => {
  const good = { email: 'ada@example.com', password: 'correct horse battery' };
  const cases: [string, Record<string, unknown>, string, string][] = [
    ['no e-mail', { email: undefined }, '/email', 'required'],
    ['an e-mail that is an object', { email: {} }, '/email', 'invalid_type'],
    ['no address', { email: 'ada@' }, '/email', 'invalid_format'],
    ['an e-mail too long', { email: `${'a'.repeat(250)}@example.com` }, '/email', 'too_big'],
    ['an e-mail with a lone surrogate', { email: '\udc00@example.com' }, '/email', 'invalid_characters'],
    ['no password', { password: undefined }, '/password', 'required'],
    ['an empty password', { password: '' }, '/password', 'too_small'],
    ['a password that is a number', { password: 12345678 }, '/password', 'invalid_type'],
    ['a password too long to hash', { password: 'x'.repeat(129) }, '/password', 'too_big'],
    ['a password with NUL', { password: 'correct\0horse' }, '/password', 'invalid_characters'],
    ['anything else', { otp: '123456' }, '/otp', 'unknown_field'],
  ];

  test.each(cases)('%s', async (_what, change, pointer, code) => {
    const response = await logIn({ ...good, ...change });
    expect(response.status).toBe(400);
    expect(response.body).toMatchObject({ code: 'validation_failed', errors: [{ pointer, code }] });
  });
});
