// Somebody sends an access token that is not one. The forger knows the key: each demand has to hold by itself.
import { randomUUID } from 'node:crypto';
import { decodeJwt, SignJWT, UnsecuredJWT, type JWTPayload } from 'jose';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestApp, type Person, type TestApp } from '../../../tests/support/app.ts';

/** Of tests/support/app.ts; the first test fails when it is no longer this. */
const secret = 'test-only-jwt-secret-0123456789abcdefghijklmnop';
const key = new TextEncoder().encode(secret);
let app: TestApp;
let person: Person;
let claims: JWTPayload;

beforeAll(async () => {
  app = await startTestApp({});
  person = await app.signIn();
  claims = decodeJwt(person.accessToken);
});
afterAll(() => app.close());

const callWith = (token: string) => app.api.get('/api/v1/users/me').set('Authorization', `Bearer ${token}`);

const sign = (payload: JWTPayload, header: { alg?: string; typ?: string } = {}, signingKey = key) =>
  new SignJWT(payload).setProtectedHeader({ alg: 'HS256', typ: 'at+jwt', ...header }).sign(signingKey);

const without = (name: string) => Object.fromEntries(Object.entries(claims).filter(([claim]) => claim !== name));

test('a token of the forger’s that is right in everything is taken: the refusals below are not for another reason', async () => {
  expect((await callWith(await sign(claims))).status).toBe(200);
});

const attacks: [string, () => string | Promise<string>][] = [
  ['alg none', () => new UnsecuredJWT(claims).encode()],
  [
    'alg none with our header',
    () =>
      `${Buffer.from('{"alg":"none","typ":"at+jwt"}').toString('base64url')}.${person.accessToken.split('.')[1] ?? ''}.`,
  ],
  ['HS512 with the same key', () => sign(claims, { alg: 'HS512' }, new Uint8Array([...key, ...key]))],
  ['HS384 with the same key', () => sign(claims, { alg: 'HS384' })],
  ['another key', () => sign(claims, {}, new TextEncoder().encode(secret.toUpperCase()))],
  ['no signature', () => person.accessToken.replace(/\.[\w-]+$/, '.')],
  [
    'another payload under the signature',
    () =>
      person.accessToken.replace(
        /\.[\w-]+\./,
        `.${Buffer.from(JSON.stringify({ ...claims, sub: randomUUID() })).toString('base64url')}.`,
      ),
  ],
  ['another audience', () => sign({ ...claims, aud: 'somebody-else' })],
  ['no audience', () => sign(without('aud'))],
  ['another issuer', () => sign({ ...claims, iss: 'somebody-else' })],
  ['no issuer', () => sign(without('iss'))],
  ['another type', () => sign(claims, { typ: 'JWT' })],
  ['no end', () => sign(without('exp'))],
  ['not yet begun', () => sign({ ...claims, nbf: Math.floor(Date.now() / 1000) + 600 })],
  ['no user', () => sign(without('sub'))],
  ['no session', () => sign(without('sid'))],
  ['a session that is a number', () => sign({ ...claims, sid: 7 })],
  ['a session that is no id', () => sign({ ...claims, sid: `' OR true --` })],
  ['a session that never was', () => sign({ ...claims, sid: randomUUID() })],
  ['another user’s id on this session', async () => sign({ ...claims, sub: (await app.signIn()).userId })],
  ['the refresh token', () => person.refreshToken],
  ['a text', () => 'waybill'],
];

test.each(attacks)('%s is refused', async (_what, forge) => {
  const response = await callWith(await forge());
  expect(response.status).toBe(401);
  expect(response.body).toMatchObject({ code: 'token_invalid' });
  expect(response.headers['www-authenticate']).toBe('Bearer error="invalid_token"');
});

test('a genuine token past its time is told so, and a forged one past its time is not', async () => {
  const past = { ...claims, iat: 1000, exp: 1900 };
  expect((await callWith(await sign(past)).expect(401)).body.code).toBe('token_expired');
  expect((await callWith(await sign(past, {}, new TextEncoder().encode('x'.repeat(32)))).expect(401)).body.code).toBe(
    'token_invalid',
  );
});

test('what a token says about roles is not believed', async () => {
  await callWith(await sign({ ...claims, role: 'admin', permissions: ['users:read'] })).expect(200);
  const actor = await app.modules.users.verifyToken(
    await sign({ ...claims, role: 'admin', permissions: ['users:read'] }),
  );
  expect(actor.role).toBe('customer');
  expect([...actor.permissions]).toEqual(['account:own', 'orders:own']);
});

test('an access token is of no use where a refresh token is asked for', async () => {
  const response = await app.api.post('/api/v1/auth/refresh').send({ refreshToken: person.accessToken });
  expect(response.status).toBe(401);
  expect(response.body.code).toBe('refresh_token_invalid');
});
