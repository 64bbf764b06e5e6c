// Somebody looks at the own account, and changes the name.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestApp, type TestApp } from '../../../tests/support/app.ts';

const path = '/api/v1/users/me';
let app: TestApp;

beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());

describe('looking', () => {
  test.each(['customer', 'support', 'catalog', 'warehouse', 'finance', 'admin'] as const)(
    'a %s sees the own account',
    async (role) => {
      const { auth, userId, email } = await app.signIn({ role });
      const response = await app.api.get(path).set(auth).expect(200);
      expect(response.body.data).toMatchObject({ id: userId, email, role, version: 1 });
      expect(Object.keys(response.body.data)).toEqual([
        'id',
        'email',
        'emailVerified',
        'name',
        'role',
        'createdAt',
        'version',
      ]);
      expect(response.headers['etag']).toBe('"1"');
    },
  );

  test('who has seen it already is told that nothing changed', async () => {
    const { auth } = await app.signIn();
    expect((await app.api.get(path).set(auth).set('If-None-Match', '"1"')).status).toBe(304);
    expect((await app.api.get(path).set(auth).set('If-None-Match', '"2"')).status).toBe(200);
  });

  test('needs a token', async () => {
    expect((await app.api.get(path).expect(401)).body.code).toBe('token_required');
  });
});

describe('changing the name', () => {
  test('gives the account as it is now', async () => {
    const { auth, userId } = await app.signIn();
    const response = await app.api.patch(path).set(auth).set('If-Match', '"1"').send({ name: ' Ada King ' });
    expect(response.status).toBe(200);
    expect(response.headers['etag']).toBe('"2"');
    expect(response.body.data).toMatchObject({ id: userId, name: 'Ada King', version: 2 });
    expect((await app.api.get(path).set(auth)).body.data).toEqual(response.body.data);
  });

  test('of two who read the same version, one is told to read again', async () => {
    const { auth } = await app.signIn();
    const rename = (name: string) => app.api.patch(path).set(auth).set('If-Match', '"1"').send({ name });
    const answers = await Promise.all([rename('One'), rename('Two')]);
    expect(answers.map(({ status }) => status)).toEqual(expect.arrayContaining([200, 412]));
    expect(answers.find(({ status }) => status === 412)?.body.code).toBe('version_stale');
    expect((await app.api.get(path).set(auth)).body.data.version).toBe(2);
  });

  test('touches nobody else', async () => {
    const [mine, other] = [await app.signIn(), await app.signIn()];
    const before = (await app.api.get(path).set(other.auth)).body.data;
    await app.api.patch(path).set(mine.auth).set('If-Match', '"1"').send({ name: 'Mine' }).expect(200);
    expect((await app.api.get(path).set(other.auth)).body.data).toEqual(before);
  });

  test.each([
    [undefined, 428, 'if_match_required'],
    ['1', 400, 'if_match_invalid'],
    ['W/"1"', 400, 'if_match_invalid'],
    ['*', 400, 'if_match_invalid'],
    ['"0"', 412, 'version_stale'],
    ['"999999999"', 412, 'version_stale'],
    ['"9999999999"', 400, 'if_match_invalid'],
  ])('If-Match %s is %i', async (ifMatch, status, code) => {
    const { auth } = await app.signIn();
    const response = await app.api
      .patch(path)
      .set({ ...auth, ...(ifMatch !== undefined && { 'If-Match': ifMatch }) })
      .send({ name: 'Ada' });
    expect(response.status).toBe(status);
    expect(response.body.code).toBe(code);
  });

  const cases: [string, object, string, string][] = [
    ['nothing', {}, '/name', 'required'],
    ['null', { name: null }, '/name', 'invalid_type'],
    ['a blank', { name: ' ' }, '/name', 'too_small'],
    ['a name too long', { name: 'x'.repeat(101) }, '/name', 'too_big'],
    ['NUL', { name: 'A\0' }, '/name', 'invalid_characters'],
    ['a lone surrogate', { name: '\ud800' }, '/name', 'invalid_characters'],
    ['another role', { name: 'Ada', role: 'admin' }, '/role', 'unknown_field'],
    ['another address', { name: 'Ada', email: 'x@example.com' }, '/email', 'unknown_field'],
  ];

  test.each(cases)('%s is refused', async (_what, body, pointer, code) => {
    const { auth } = await app.signIn();
    const before = (await app.api.get(path).set(auth)).body.data;
    const response = await app.api.patch(path).set(auth).set('If-Match', '"1"').send(body);
    expect(response.status).toBe(400);
    expect(response.body).toMatchObject({ code: 'validation_failed', errors: [{ pointer, code }] });
    expect((await app.api.get(path).set(auth)).body.data).toEqual(before);
  });
});
