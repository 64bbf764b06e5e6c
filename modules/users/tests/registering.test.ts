// Somebody opens an account.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestApp, type TestApp } from '../../../tests/support/app.ts';

const path = '/api/v1/users';
const ada = { email: 'ada@example.com', name: 'Ada Lovelace', password: 'correct horse battery' };
let app: TestApp;

beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());

const register = (body: object) => app.api.post(path).send(body);
const countUsers = async (): Promise<unknown> =>
  (await app.sql('SELECT count(*)::int AS count FROM users.users'))[0]?.count;

test('a newcomer becomes a customer', async () => {
  const response = await register({ ...ada, email: '  Ada@Example.COM ', name: ' Ada Lovelace ' });
  expect(response.status).toBe(201);
  expect(response.body.data).toEqual({
    id: expect.stringMatching(/^[\da-f]{8}-[\da-f]{4}-7/),
    email: 'ada@example.com',
    emailVerified: false,
    name: 'Ada Lovelace',
    role: 'customer',
    createdAt: expect.stringMatching(/^\d{4}-.*Z$/),
    version: 1,
  });
  expect(response.headers).toMatchObject({ location: '/api/v1/users/me', etag: '"1"' });
});

test('the password itself is stored nowhere', async () => {
  await register({ ...ada, email: 'grace@example.com' }).expect(201);
  const [row] = await app.sql(`SELECT * FROM users.users WHERE email = 'grace@example.com'`);
  expect(row?.['password_hash']).toMatch(/^\$argon2id\$/);
  expect(JSON.stringify(row)).not.toContain(ada.password);
});

test('an address opens one account, whatever its case', async () => {
  await register({ ...ada, email: 'joan@example.com' }).expect(201);
  const response = await register({ ...ada, email: 'JOAN@example.com', name: 'Another' });
  expect(response.status).toBe(409);
  expect(response.body).toMatchObject({ code: 'email_taken', status: 409 });
  expect(response.headers).not.toHaveProperty('etag');
});

test('of twenty who register one address at once, one gets it', async () => {
  const responses = await Promise.all(
    Array.from({ length: 20 }, () => register({ ...ada, email: 'twenty@example.com' })),
  );
  const count = (wanted: number) => responses.filter(({ status }) => status === wanted).length;
  expect({ made: count(201), refused: count(409) }).toEqual({ made: 1, refused: 19 });
});

describe('a weak password', () => {
  test.each(['password123', 'aaaaaaaaaa', '12345678', 'weak@example.com', 'i-am-WEAK-ok'])(
    '%s is refused with its reason',
    async (password) => {
      const before = await countUsers();
      const response = await register({ ...ada, email: 'weak@example.com', password });
      expect(response.status).toBe(400);
      expect(response.body).toMatchObject({
        code: 'validation_failed',
        errors: [{ pointer: '/password', code: 'password_weak', message: expect.stringMatching(/^This /) }],
      });
      expect(await countUsers()).toBe(before);
    },
  );
});

test.each([
  ['eight emoji', '🦊🐢🐌🐝🦋🐙🦑🐬'],
  ['a hundred and twenty-eight', '🦊🐢'.repeat(64)],
])('a password of %s is long enough and short enough', async (what, password) => {
  const response = await register({ ...ada, email: `${what.replaceAll(' ', '-')}@example.com`, password });
  expect(response.status).toBe(201);
});

describe('a request that does not fit', () => {
  const cases: [string, Record<string, unknown>, string, string][] = [
    ['no e-mail', { email: undefined }, '/email', 'required'],
    ['an e-mail that is a number', { email: 1 }, '/email', 'invalid_type'],
    ['no address', { email: 'ada' }, '/email', 'invalid_format'],
    ['a look-alike letter', { email: '\u212Aate@example.com' }, '/email', 'invalid_format'],
    ['an e-mail too long', { email: `${'a'.repeat(250)}@example.com` }, '/email', 'too_big'],
    ['an e-mail with NUL', { email: 'a\0da@example.com' }, '/email', 'invalid_characters'],
    ['no name', { name: undefined }, '/name', 'required'],
    ['a blank name', { name: '   ' }, '/name', 'too_small'],
    ['a name that is a list', { name: ['Ada'] }, '/name', 'invalid_type'],
    ['a name too long', { name: 'a'.repeat(101) }, '/name', 'too_big'],
    ['a lone surrogate', { name: 'Ada \ud800' }, '/name', 'invalid_characters'],
    ['no password', { password: undefined }, '/password', 'required'],
    ['a password that is null', { password: null }, '/password', 'invalid_type'],
    ['a huge number', { password: 1e21 }, '/password', 'invalid_type'],
    ['seven emoji', { password: '🦊🐢🐌🐝🦋🐙🦑' }, '/password', 'too_small'],
    ['a password too long', { password: 'correct horse '.repeat(10) }, '/password', 'too_big'],
    ['a password with NUL', { password: 'correct\0horse' }, '/password', 'invalid_characters'],
    ['a role of one’s own choice', { role: 'admin' }, '/role', 'unknown_field'],
    ['a status', { status: 'active' }, '/status', 'unknown_field'],
  ];

  test.each(cases)('%s', async (_what, change, pointer, code) => {
    const before = await countUsers();
    const response = await register({ email: 'new@example.com', name: 'New', password: ada.password, ...change });
    expect(response.status).toBe(400);
    expect(response.body).toMatchObject({ code: 'validation_failed', errors: [{ pointer, code }] });
    expect(await countUsers()).toBe(before);
  });

  test('no body at all, a list, a text', async () => {
    for (const body of ['', '[]', '"ada"']) {
      const response = await app.api.post(path).set('Content-Type', 'application/json').send(body);
      expect(response.status).toBe(400);
    }
  });
});
