// Somebody makes their own access token: every trick with a JWT, at every operation that asks for one.
import { createHmac, generateKeyPairSync, randomUUID, sign as signBytes, type KeyObject } from 'node:crypto';
import { decodeJwt } from 'jose';
import { afterAll, describe, expect, test } from 'vitest';
import { startTestApp } from '../support/app.ts';
import { operationsOf, send } from '../support/operations.ts';

/** Of tests/support/app.ts: most forgers here know the key, so that each demand has to hold by itself. */
const SECRET = 'test-only-jwt-secret-0123456789abcdefghijklmnop';

const app = await startTestApp();
afterAll(() => app.close());
const guarded = operationsOf(app.document).filter(({ isPublic }) => !isPublic);
const admin = await app.signIn({ role: 'admin' });
const claims = decodeJwt(admin.accessToken);
const now = Math.floor(Date.now() / 1000);
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });

const ours = { alg: 'HS256', typ: 'at+jwt' };
const encoded = (part: object | string): string =>
  Buffer.from(typeof part === 'string' ? part : JSON.stringify(part)).toString('base64url');
const mac = (content: string, key: string | Buffer, hash = 'sha256'): string =>
  createHmac(hash, key).update(content).digest('base64url');

/** By hand: a library refuses to make most of these. */
function forge(
  header: object | string,
  payload: object = claims,
  key: string | Buffer = SECRET,
  hash = 'sha256',
): string {
  const content = `${encoded(header)}.${encoded(payload)}`;
  return `${content}.${mac(content, key, hash)}`;
}

function forgeWith(header: object, key: KeyObject): string {
  const content = `${encoded(header)}.${encoded(claims)}`;
  return `${content}.${signBytes('sha256', Buffer.from(content), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
}

const without = (name: string): object =>
  Object.fromEntries(Object.entries(claims).filter(([claim]) => claim !== name));
const [headerPart = '', payloadPart = '', signaturePart = ''] = admin.accessToken.split('.');
const jwkOf = (secret: string) => ({ kty: 'oct', k: encoded(secret), alg: 'HS256' });

const attacks: Record<string, Record<string, string>> = {
  'ASVS 9.1.1: tampered with': {
    'another user': `${headerPart}.${encoded({ ...claims, sub: randomUUID() })}.${signaturePart}`,
    'more time': `${headerPart}.${encoded({ ...claims, exp: now + 1e6 })}.${signaturePart}`,
    'another header': `${encoded({ ...ours, kid: '1' })}.${payloadPart}.${signaturePart}`,
    'no signature': `${headerPart}.${payloadPart}.`,
    'half a signature': `${headerPart}.${payloadPart}.${signaturePart.slice(0, 20)}`,
    'another signature': `${headerPart}.${payloadPart}.${mac('something else', SECRET)}`,
    'two parts': `${headerPart}.${payloadPart}`,
    'four parts': `${admin.accessToken}.${signaturePart}`,
    'five parts, as if encrypted': `${encoded({ alg: 'dir', enc: 'A256GCM', typ: 'at+jwt' })}..${encoded('123456789012')}.${payloadPart}.${encoded('1234567890123456')}`,
    'signed with another key': forge(ours, claims, 'x'.repeat(48)),
    'signed with no key': forge(ours, claims, ''),
    'signed with the key in other letters': forge(ours, claims, SECRET.toUpperCase()),
  },
  'ASVS 9.1.2: another algorithm': {
    ...Object.fromEntries(
      ['none', 'None', 'NONE', 'nOnE', ''].map((alg) => [
        `alg "${alg}"`,
        `${encoded({ alg, typ: 'at+jwt' })}.${payloadPart}.`,
      ]),
    ),
    'none with our signature': `${encoded({ alg: 'none', typ: 'at+jwt' })}.${payloadPart}.${signaturePart}`,
    'HS384 with our key': forge({ ...ours, alg: 'HS384' }, claims, SECRET, 'sha384'),
    'HS512 with our key': forge({ ...ours, alg: 'HS512' }, claims, SECRET, 'sha512'),
    'RS256 with a key of the forger’s': forgeWith({ ...ours, alg: 'RS256' }, rsa.privateKey),
    'ES256 with a key of the forger’s': forgeWith({ ...ours, alg: 'ES256' }, ec.privateKey),
    'ES256 with zeros (CVE-2022-21449)': `${encoded({ ...ours, alg: 'ES256' })}.${payloadPart}.${Buffer.alloc(64).toString('base64url')}`,
    'HS256 with a public key': forge(ours, claims, rsa.publicKey.export({ type: 'spki', format: 'pem' })),
    'no alg': forge({ typ: 'at+jwt' }),
    'a list of algs': forge({ ...ours, alg: ['HS256', 'none'] }),
    'alg twice, none last': forge('{"alg":"HS256","typ":"at+jwt","alg":"none"}'),
  },
  'ASVS 9.1.3: a key that the token brings along': {
    'kid a path, key empty': forge({ ...ours, kid: '../../../../../dev/null' }, claims, ''),
    'kid a path, key a NUL': forge({ ...ours, kid: '/dev/null' }, claims, Buffer.alloc(1)),
    'kid SQL': forge({ ...ours, kid: "x' UNION SELECT 'known' -- " }, claims, 'known'),
    'kid a command': forge({ ...ours, kid: '| echo known' }, claims, 'known'),
    'kid __proto__': forge({ ...ours, kid: '__proto__' }, claims, 'undefined'),
    'jwk in the header': forge({ ...ours, jwk: jwkOf('known') }, claims, 'known'),
    'jwk in the header, RS256': forgeWith(
      { ...ours, alg: 'RS256', jwk: rsa.publicKey.export({ format: 'jwk' }) },
      rsa.privateKey,
    ),
    'jku elsewhere': forge({ ...ours, jku: `${app.url}/keys.json` }, claims, 'known'),
    'x5u elsewhere': forge({ ...ours, x5u: `${app.url}/keys.pem` }, claims, 'known'),
    'x5c in the header': forgeWith({ ...ours, alg: 'RS256', x5c: [encoded('certificate')] }, rsa.privateKey),
    'crit of something unknown': forge({ ...ours, crit: ['exp'], exp: now + 900 }),
    'b64 false': forge({ ...ours, crit: ['b64'], b64: false }),
  },
  'ASVS 9.2.1: its time': {
    'no end': forge(ours, without('exp')),
    'an end that is text': forge(ours, { ...claims, exp: String(now + 900) }),
    'an end that is null': forge(ours, { ...claims, exp: null }),
    'not begun': forge(ours, { ...claims, nbf: now + 600 }),
  },
  'ASVS 9.2.2: another kind of token': {
    'the refresh token': admin.refreshToken,
    'typ JWT': forge({ ...ours, typ: 'JWT' }),
    'no typ': forge({ alg: 'HS256' }),
    'typ of an ID token': forge({ ...ours, typ: 'id_token+jwt' }),
    'a token of nobody': forge(ours, without('sub')),
    'a token of no session': forge(ours, without('sid')),
    'of a session that never was': forge(ours, { ...claims, sid: randomUUID() }),
    'of somebody else’s session': forge(ours, { ...claims, sub: (await app.signIn()).userId }),
  },
  'ASVS 9.2.3: for somebody else': {
    'another aud': forge(ours, { ...claims, aud: 'billing' }),
    'no aud': forge(ours, without('aud')),
    'an empty list': forge(ours, { ...claims, aud: [] }),
    'another iss': forge(ours, { ...claims, iss: 'https://evil.example' }),
    'no iss': forge(ours, without('iss')),
  },
};

test('the forger knows the key: their token is taken when it is right in everything', async () => {
  await app.api
    .get('/api/v1/users/me')
    .set('Authorization', `Bearer ${forge(ours)}`)
    .expect(200);
  expect(guarded.length).toBeGreaterThanOrEqual(20);
});

describe.each(Object.entries(attacks))('API2:2023 and %s', (_matter, tokens) => {
  test.each(Object.entries(tokens))('%s', (_name, token) => refusedEverywhere(token, 'token_invalid'));
});

describe('ASVS 9.2.1: a token past its time', () => {
  test('is refused everywhere, and told so', () =>
    refusedEverywhere(forge(ours, { ...claims, iat: now - 1800, exp: now - 1 }), 'token_expired'));
  test('that is forged is not told so', () =>
    refusedEverywhere(forge(ours, { ...claims, exp: now - 1 }, 'x'.repeat(48)), 'token_invalid'));
});

test('ASVS 7.4.1: after logging out the token is refused everywhere', async () => {
  const left = await app.signIn({ role: 'admin' });
  await app.api.post('/api/v1/auth/logout').set(left.auth).expect(204);
  await refusedEverywhere(left.accessToken, 'token_invalid');
  await app.api.post('/api/v1/auth/refresh').send({ refreshToken: left.refreshToken }).expect(401);
});

test('ASVS 9.2.2: an access token is no refresh token', async () => {
  const { body } = await app.api.post('/api/v1/auth/refresh').send({ refreshToken: admin.accessToken }).expect(401);
  expect(body.code).toBe('refresh_token_invalid');
});

test('ASVS 14.2.1: a token is not looked for in the query, a cookie or a body', async () => {
  const path = '/api/v1/users/me';
  for (const name of ['access_token', 'token', 'accessToken'])
    await app.api.get(`${path}?${name}=${admin.accessToken}`).expect(401);
  await app.api.get(path).set('Cookie', `access_token=${admin.accessToken}`).expect(401);
  await app.api.get(path).set('X-Access-Token', admin.accessToken).expect(401);
});

/** Before anything else of the request is looked at, so the rest need not be right. */
async function refusedEverywhere(token: string, code: string): Promise<void> {
  const answers = await Promise.all(
    guarded.map(async ({ id, method, path }) => {
      const anywhere = `/api/v1${path.replaceAll(/\{\w+\}/g, randomUUID())}`;
      const headers = { Authorization: `Bearer ${token}` };
      const { status, body } = await send(app, { method, path: anywhere, query: '', headers, body: undefined });
      return { id, status, code: body.code as unknown };
    }),
  );
  expect(answers).toEqual(guarded.map(({ id }) => ({ id, status: 401, code })));
}
