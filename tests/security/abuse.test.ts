// Somebody sends what no honest client does: bytes, headers and JSON made to be read in two ways.
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, describe, expect, test } from 'vitest';
import { key, startTestApp } from '../support/app.ts';

const app = await startTestApp();
const limited = await startTestApp({ config: { rateLimitMax: 3 } });
afterAll(async () => void (await Promise.all([app.close(), limited.close()])));
const person = await app.signIn();
const { host, port, hostname } = new URL(app.url);

/** What comes back on one connection, until the server closes it or, once it spoke, is silent. */
async function talk(bytes: string): Promise<string> {
  const socket = connect({ host: hostname, port: Number(port) });
  const chunks: Buffer[] = [];
  socket.on('error', () => undefined);
  socket.on('data', (chunk) => {
    chunks.push(chunk);
    socket.setTimeout(150);
  });
  socket.setTimeout(10_000, () => socket.destroy());
  socket.write(Buffer.from(bytes, 'latin1'));
  await once(socket, 'close');
  return Buffer.concat(chunks).toString('latin1');
}

const statusesIn = (answers: string): number[] =>
  [...answers.matchAll(/^HTTP\/1\.1 (\d{3})/gm)].map(([, status]) => Number(status));

const refused = async (asked: PromiseLike<{ status: number }>) => expect((await asked).status).toBe(400);

const request = (line: string, headers: string[] = [], body = ''): string =>
  [line, `Host: ${host}`, ...headers, '', body].join('\r\n');

test('a raw request is answered: the refusals below are not for another reason', async () => {
  expect(statusesIn(await talk(request('GET /health HTTP/1.1')))).toEqual([200]);
});

/** Would be a second request, if a part of the first were read as one. */
const SMUGGLED = `GET /health HTTP/1.1\r\nHost: ${host}\r\nX-Request-Id: smuggled\r\n\r\n`;

describe('ASVS 4.2.1: where a request ends is not for its sender to say in two ways', () => {
  const post = (headers: string[], body: string) =>
    request('POST /api/v1/auth/login HTTP/1.1', ['Content-Type: application/json', ...headers], body);
  const length = SMUGGLED.length;
  const shapes: Record<string, string> = {
    'Content-Length and Transfer-Encoding': post(
      ['Content-Length: 4', 'Transfer-Encoding: chunked'],
      `0\r\n\r\n${SMUGGLED}`,
    ),
    'Transfer-Encoding and Content-Length': post(
      ['Transfer-Encoding: chunked', `Content-Length: ${length + 5}`],
      `0\r\n\r\n${SMUGGLED}`,
    ),
    'two Content-Lengths': post(['Content-Length: 0', `Content-Length: ${length}`], SMUGGLED),
    'a list of Content-Lengths': post([`Content-Length: 0, ${length}`], SMUGGLED),
    'a signed Content-Length': post(['Content-Length: +0'], SMUGGLED),
    'a negative Content-Length': post(['Content-Length: -1'], SMUGGLED),
    'a Content-Length in hex': post(['Content-Length: 0x0'], SMUGGLED),
    'a Content-Length beyond 2^64': post(['Content-Length: 18446744073709551616'], SMUGGLED),
    'a Content-Length before a space': post(['Content-Length : 0'], SMUGGLED),
    'Transfer-Encoding twice': post(
      ['Transfer-Encoding: chunked', 'Transfer-Encoding: identity'],
      `0\r\n\r\n${SMUGGLED}`,
    ),
    'Transfer-Encoding that ends otherwise': post(['Transfer-Encoding: chunked, identity'], `0\r\n\r\n${SMUGGLED}`),
    'Transfer-Encoding unknown': post(['Transfer-Encoding: xchunked'], `0\r\n\r\n${SMUGGLED}`),
    'Transfer-Encoding before a space': post(['Transfer-Encoding : chunked'], `0\r\n\r\n${SMUGGLED}`),
    'Transfer-Encoding after a vertical tab': post(['Transfer-Encoding:\vchunked'], `0\r\n\r\n${SMUGGLED}`),
    'a folded header': post(['Transfer-Encoding:', ' chunked'], `0\r\n\r\n${SMUGGLED}`),
    'a chunk of odd size': post(['Transfer-Encoding: chunked'], `0x5\r\nhello\r\n0\r\n\r\n${SMUGGLED}`),
    'a chunk of negative size': post(['Transfer-Encoding: chunked'], `-1\r\n\r\n${SMUGGLED}`),
    'a chunk of too great a size': post(['Transfer-Encoding: chunked'], `ffffffffffffffff1\r\n${SMUGGLED}`),
    'a chunk that ends in LF': post(['Transfer-Encoding: chunked'], `2\r\n{}\n0\n\n${SMUGGLED}`),
    'a header line without a name': post([': x', 'Content-Length: 0'], SMUGGLED),
    'CR in a header': post(['X-A: 1\rContent-Length: 0'], SMUGGLED),
    'NUL in a header': post(['X-A: 1\0', 'Content-Length: 0'], SMUGGLED),
  };

  test.each(Object.entries(shapes))('%s: refused, and nothing after it is read', async (_shape, bytes) => {
    const answers = await talk(bytes);
    expect(answers).not.toContain('smuggled');
    expect(statusesIn(answers)).toHaveLength(1);
    expect(statusesIn(answers)[0]).toBe(400);
  });

  test('what follows a body is not read as a part of it', async () => {
    const rest = JSON.stringify({ email: person.email, password: person.password });
    const answers = await talk(post(['Content-Length: 2'], `{}${rest}`));
    expect(statusesIn(answers)[0]).toBe(400);
    expect(answers).not.toContain('accessToken');
  });
});

describe('ASVS 4.1.4 and 13.4.4: methods', () => {
  test.each(['TRACE', 'TRACK', 'CONNECT', 'PROPFIND', 'MOVE', 'PURGE', 'LINK', 'get', 'G ET', 'XYZZY'])(
    '%s does nothing',
    async (method) => {
      const [status = 0] = statusesIn(
        await talk(request(`${method} /api/v1/products HTTP/1.1`, ['Content-Length: 0'])),
      );
      // 0: Node closes a CONNECT without a word.
      expect(method === 'CONNECT' ? [0, 400, 404, 405] : [400, 404, 405]).toContain(status);
    },
  );

  test.each(['X-HTTP-Method-Override', 'X-HTTP-Method', 'X-Method-Override'])('%s overrides none', async (header) => {
    const { productId } = await app.sellable();
    const admin = await app.signIn({ role: 'admin' });
    const path = `/api/v1/products/${productId}`;
    await app.api.get(path).set(admin.auth).set(header, 'DELETE').set('If-Match', '"1"').expect(200);
    await app.api.post(path).set(admin.auth).set(header, 'DELETE').set('If-Match', '"1"').expect(405);
    await app.api.get(`${path}?_method=DELETE`).set(admin.auth).expect(400);
    const { body } = await app.api.get(path).set(admin.auth).expect(200);
    expect(body.data).toMatchObject({ status: 'active' });
  });
});

describe('ASVS 4.1.3: headers that only a proxy may set', () => {
  const forged = [
    'X-Forwarded-For',
    'Forwarded',
    'X-Real-IP',
    'X-Client-IP',
    'True-Client-IP',
    'CF-Connecting-IP',
    'X-Forwarded',
  ];

  test.each(forged)('API4:2023 and ASVS 15.3.4: %s does not dodge the limit', async (header) => {
    const statuses: number[] = [];
    for (let i = 1; i <= 5; i++) {
      const value = header === 'Forwarded' ? `for=203.0.113.${i}` : `203.0.113.${i}`;
      statuses.push((await limited.api.get('/api/v1/products').set(header, value)).status);
    }
    expect(statuses.at(-1)).toBe(429);
  });

  test.each(['X-Forwarded-Host', 'X-Host', 'X-Forwarded-Server', 'Host'])('%s is believed nowhere', async (header) => {
    const { sku } = await app.sellable();
    const evil = { [header]: 'evil.example', 'X-Forwarded-Proto': 'javascript' };
    const order = { lines: [{ sku, quantity: 1 }] };
    const placed = await app.api.post('/api/v1/orders').set(person.auth).set(key()).set(evil).send(order).expect(201);
    const payments = `/api/v1/orders/${placed.body.data.id}/payments`;
    const token = 'tok_requires_action';
    const paid = await app.api.post(payments).set(person.auth).set(key()).set(evil).send({ token }).expect(202);
    const missing = await app.api.get('/api/v1/nothing').set(evil).expect(404);
    const root = await app.api.get('/').set(evil);
    for (const { text, headers } of [placed, paid, missing, root])
      expect(`${text} ${JSON.stringify(headers)}`).not.toMatch(/evil|javascript/);
  });
});

describe('ASVS 4.2.4 and 1.2.1: what a client says does not become a header of the answer', () => {
  const injections = [
    '/api/v1/nothing%0d%0aSet-Cookie:%20evil=1',
    '/api/v1/products?cursor=%0d%0aSet-Cookie:%20evil=1',
    '/api/v1/products?limit=1%0d%0aSet-Cookie:%20evil=1',
    '/docs/errors/%0d%0aSet-Cookie:%20evil=1',
    '/test-provider/charges/%0d%0aSet-Cookie:%20evil=1',
    '//evil.example/%2e%2e',
  ];
  test.each(injections)('%s', async (path) => {
    const answers = await talk(request(`GET ${path} HTTP/1.1`));
    const head = answers.split('\r\n\r\n', 1)[0] ?? '';
    expect(statusesIn(answers)[0]).toBeGreaterThanOrEqual(400);
    expect(head).not.toMatch(/^set-cookie/im);
    expect(head).not.toMatch(/^location:.*evil/im);
  });

  test.each(['a b', 'a\u00e9', 'x'.repeat(129), '<script>', 'a,b', 'a;b', '"', '../..'])(
    'X-Request-Id "%s" is not sent back',
    async (id) => {
      const { headers } = await app.api.get('/api/v1/products').set('X-Request-Id', id);
      expect(headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
    },
  );

  test('API8:2023: markup in a path stays text', async () => {
    const { body, type, headers } = await app.api.get('/api/v1/%3Cscript%3Ealert(1)%3C/script%3E').expect(404);
    expect(type).toBe('application/problem+json');
    expect(headers['x-content-type-options']).toBe('nosniff');
    expect(body.instance).not.toContain('<');
  });
});

describe('ASVS 13.4.6 and 16.5.1: headers out of all measure', () => {
  const huge: Record<string, string[]> = {
    'one of 20 kB': [`X-A: ${'x'.repeat(20_000)}`],
    'a name of 20 kB': [`${'x'.repeat(20_000)}: 1`],
    'a cookie of 20 kB': [`Cookie: ${'x'.repeat(20_000)}`],
    '3000 of them': Array.from({ length: 3000 }, (_, i) => `X-${i}: 1`),
  };
  test.each(Object.entries(huge))('API4:2023: %s is 431', async (_what, headers) => {
    const answers = await talk(request('GET /health HTTP/1.1', headers));
    expect(statusesIn(answers)).toEqual([431]);
  });

  test('a path of 20 kB is refused', async () => {
    const answers = await talk(request(`GET /${'x'.repeat(20_000)} HTTP/1.1`));
    expect([400, 414, 431]).toContain(statusesIn(answers)[0]);
  });

  const odd: Record<string, [string, number[]]> = {
    'two Hosts': ['Host: evil.example', [200, 400]],
    'an Upgrade to h2c': [
      'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__',
      [200],
    ],
    'an Upgrade to a WebSocket': [
      'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13',
      [200],
    ],
    'an expectation that nobody can meet': ['Expect: the-impossible', [417]],
    'a range': ['Range: bytes=0-0,0-0,0-0', [200]],
    'an Accept of 8 kB': [`Accept: ${'text/html,'.repeat(800)}`, [200]],
    'If-None-Match of 8 kB': [`If-None-Match: ${'"1",'.repeat(2000)}`, [200]],
    'a Connection that names others': ['Connection: close, Authorization, X-Request-Id', [200]],
  };
  test.each(Object.entries(odd))('%s', async (_what, [header, statuses]) => {
    const answers = await talk(request('GET /api/v1/products HTTP/1.1', [header]));
    expect(statuses).toContain(statusesIn(answers)[0]);
    expect(answers).not.toMatch(/^x-powered-by|^server:/im);
  });
});

describe('ASVS 1.5.3: JSON that could be read in two ways', () => {
  const place = (text: string) =>
    app.api.post('/api/v1/orders').set(person.auth).set(key()).set('Content-Type', 'application/json').send(text);

  test('of two fields of one name the last counts, in the check and in the deed', async () => {
    const { sku } = await app.sellable();
    const { body } = await place(`{"lines":[{"sku":"${sku}","quantity":99999,"quantity":2}]}`).expect(201);
    expect(body.data.lines[0].quantity).toBe(2);
    await place(`{"lines":[{"sku":"${sku}","quantity":2,"quantity":99999}]}`).expect(400);
    await place(`{"lines":[{"sku":"${sku}","quantity":2}],"lines":[]}`).expect(400);
  });

  test('a name in escapes is the same name', async () => {
    const { sku } = await app.sellable();
    await place(`{"\\u006cines":[{"sku":"${sku}","quantity":1}],"customer\\u0049d":"${randomUUID()}"}`).expect(400);
  });

  test('ASVS 15.3.6: __proto__ and constructor pollute nothing', async () => {
    for (const text of [
      '{"__proto__":{"polluted":true},"lines":[]}',
      '{"constructor":{"prototype":{"polluted":true}},"lines":[]}',
      '{"lines":[{"__proto__":{"sku":"x","quantity":1}}]}',
      '{"__proto__":{"lines":[{"sku":"x","quantity":1}]}}',
    ])
      await place(text).expect(400);
    await app.api.get('/api/v1/products?__proto__[polluted]=1').expect(400);
    expect('polluted' in {}).toBe(false);
  });

  test.each([
    '1e400',
    '-0',
    '1.0000000000000001',
    '9007199254740993',
    '1E0',
    '01',
    '.5',
    '+1',
    'NaN',
    'Infinity',
    '"1"',
  ])('ASVS 1.4.2: a quantity of %s is 1, or is refused', async (quantity) => {
    const { sku } = await app.sellable();
    const { status, body } = await place(`{"lines":[{"sku":"${sku}","quantity":${quantity}}]}`);
    expect([201, 400]).toContain(status);
    if (status === 201) expect(body.data.lines[0].quantity).toBe(1);
  });

  test.each(['{"a":1,}', '{"a":1}//x', '/**/{}', "{'a':1}", '{a:1}', '{"a":\t"\x01"}', '{}{}', '[1,]', '\u00a0{}'])(
    '%s is no JSON',
    (text) => refused(place(text)),
  );
});

describe('ASVS 4.1.1: a body in disguise', () => {
  const body = JSON.stringify({ email: person.email, password: person.password });
  const login = (headers: string[], bytes = body) =>
    talk(
      request('POST /api/v1/auth/login HTTP/1.1', [...headers, `Content-Length: ${Buffer.byteLength(bytes)}`], bytes),
    );

  test('is what it says: the same in plain JSON logs in', async () => {
    expect(statusesIn(await login(['Content-Type: application/json']))).toEqual([200]);
    expect(statusesIn(await login(['Content-Type: APPLICATION/JSON;charset="UTF-8"']))).toEqual([200]);
  });

  const disguises = [
    'text/plain',
    'text/json',
    'application/x-json',
    'application/vnd.api+json',
    'application/json, text/plain',
    'application/json;charset=utf-7',
    'application/json;charset=utf-16',
    'application/json\t/x',
    '*/*',
    '',
    'multipart/form-data; boundary=x; type=application/json',
  ];
  test.each(disguises)('Content-Type "%s" is 415', async (type) => {
    expect(statusesIn(await login([`Content-Type: ${type}`]))).toEqual([415]);
  });

  test('two Content-Types: the first counts, and what is read as JSON is JSON', async () => {
    expect(statusesIn(await login(['Content-Type: text/plain', 'Content-Type: application/json']))).toEqual([415]);
  });

  test('a form is not a body', async () => {
    const form = `email=${encodeURIComponent(person.email)}&password=${encodeURIComponent(person.password)}`;
    expect(statusesIn(await login(['Content-Type: application/x-www-form-urlencoded'], form))).toEqual([415]);
    expect(statusesIn(await login(['Content-Type: application/json'], form))).toEqual([400]);
  });
});

describe('ASVS 15.3.7: parameters in many places', () => {
  test.each(['limit=1&limit=2', 'limit[]=1', 'limit[$gt]=1', 'limit=1;cursor=x', 'limit.x=1'])(
    '?%s is refused',
    (query) => refused(app.api.get(`/api/v1/products?${query}`)),
  );
  test('a body of a GET is not looked at', async () => {
    const answers = await talk(
      request(
        'GET /api/v1/products?limit=1 HTTP/1.1',
        ['Content-Type: application/json', 'Content-Length: 13'],
        '{"limit":999}',
      ),
    );
    expect(statusesIn(answers)).toEqual([200]);
  });
});

describe('ASVS 1.2.4: SQL in every text of a query', () => {
  const texts = [
    "' OR 1=1 --",
    "'; DROP TABLE users.users; --",
    '" OR ""="',
    '\\',
    '%27%20UNION%20SELECT%20NULL',
    '$1',
    '{}',
  ];
  test.each(texts)('%s', async (text) => {
    const admin = await app.signIn({ role: 'admin' });
    const value = encodeURIComponent(text);
    for (const path of [`stock?sku=${value}`, `orders?status=${value}`, `products?cursor=${value}`, `orders/${value}`])
      expect((await app.api.get(`/api/v1/${path}`).set(admin.auth)).status).toBe(400);
  });
});

describe('API8:2023 and ASVS 3.4: every answer tells a browser to be careful', () => {
  test.each(['/api/v1/products', '/api/v1/nothing', '/api/v1/users/me', '/health', '/docs/'])('%s', async (path) => {
    const { headers } = await app.api.get(path);
    expect(headers['x-powered-by']).toBeUndefined();
    if (path === '/health') return;
    expect(headers['x-content-type-options']).toBe('nosniff');
    expect(headers['content-security-policy']).toContain("default-src 'none'");
    expect(headers['strict-transport-security']).toMatch(/max-age=\d{7,}/);
  });

  test('ASVS 14.3.2: what is a person’s own is not kept by caches', async () => {
    for (const path of ['users/me', 'orders']) {
      const { headers } = await app.api.get(`/api/v1/${path}`).set(person.auth).expect(200);
      expect(headers['cache-control']).toBe('no-store');
    }
  });
});
