// What holds for every operation alike: the shape of problems, headers, limits, paging, retries, and the pages for people.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { errorPagesOf, listModules } from '../app.ts';
import { conventionPages } from '../shared/http/problem-pages.ts';
import { key, startTestApp, type Person, type TestApp } from './support/app.ts';
import {
  keepAddress,
  makeKey,
  openSession,
  operationsOf,
  requestFor,
  send,
  worldOf,
  type Operation,
} from './support/operations.ts';

const PAGE_OF_OURS = 'https://shop.example.com';

const app = await startTestApp({ config: { corsOrigin: [PAGE_OF_OURS], metricsToken: null } });
const limited = await startTestApp({
  config: { rateLimitMax: 3, rateLimitAccountMax: 5, trustProxy: 1, metricsToken: 'metrics-token' },
});
afterAll(async () => void (await Promise.all([app.close(), limited.close()])));

const operations = operationsOf(app.document);
const owner = await app.signIn();
const admin = await app.signIn({ role: 'admin' });
const world = worldOf(app, owner);
const pages = errorPagesOf(app.modules);
const uuidV7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

describe('problems', () => {
  const provoked: [number, string, () => ReturnType<TestApp['api']['get']>][] = [
    [400, 'validation_failed', () => app.api.get('/api/v1/products?limit=0&q=secret')],
    [400, 'malformed_json', () => app.api.post('/api/v1/users').set('Content-Type', 'application/json').send('{')],
    [401, 'token_required', () => app.api.get('/api/v1/users/me')],
    [403, 'permission_denied', () => app.api.get('/api/v1/stock').set(owner.auth)],
    [403, 'origin_not_allowed', () => app.api.get('/api/v1/products').set('Origin', 'https://evil.example')],
    [404, 'product_not_found', () => app.api.get('/api/v1/products/01939d3a-7c1e-7b1a-8f00-000000000001')],
    [404, 'route_not_found', () => app.api.get('/api/v1/nothing')],
    [405, 'method_not_allowed', () => app.api.put('/api/v1/users/me')],
    [415, 'unsupported_media_type', () => app.api.post('/api/v1/users').set('Content-Type', 'text/plain').send('x')],
    [428, 'if_match_required', () => app.api.patch('/api/v1/users/me').set(owner.auth).send({ name: 'Ada' })],
  ];

  test.each(provoked)('%i %s has the one shape, and its type is a page', async (status, code, provoke) => {
    const { body, headers, status: answered, type, request } = await provoke();
    const instance = new URL(request.url).pathname;
    expect(answered).toBe(status);
    expect(type).toBe('application/problem+json');
    expect(body).toMatchObject({
      type: `/docs/errors/${code}`,
      status,
      code,
      instance,
      requestId: headers['x-request-id'],
    });
    expect(body.title).toMatch(/^[A-Z][A-Za-z ]+$/);
    expect(body.detail).toEqual(expect.any(String));
    const known = ['type', 'title', 'status', 'detail', 'instance', 'code', 'requestId', 'errors', 'allowed'];
    expect(Object.keys(body as object).filter((member) => !known.includes(member))).toEqual([]);
    expect(headers['cache-control']).toBe('no-store');
    const page = await app.api.get(body.type as string).expect(200);
    expect(page.type).toBe('text/html');
  });

  test('every code that an operation documents has a page, in words', async () => {
    const codes = [...new Set(operations.flatMap((one) => one.codes))];
    expect(codes.length).toBeGreaterThan(40);
    for (const code of codes) {
      const { status, type, text, headers } = await app.api.get(`/docs/errors/${code}`);
      expect({ code, status, type }).toEqual({ code, status: 200, type: 'text/html' });
      expect(text).toContain(code);
      expect(headers['content-security-policy']).toContain("default-src 'none'");
    }
  });

  test('every page is of a code that some operation documents, or of a convention', () => {
    const documented = new Set(operations.flatMap((one) => one.codes));
    const orphans = Object.keys(pages).filter(
      (code) => !documented.has(code) && !Object.hasOwn(conventionPages, code) && !faultCodes.includes(code),
    );
    expect(orphans).toEqual([]);
  });

  test('every code that is thrown anywhere has a page', async () => {
    const thrown = await codesThrown();
    expect(thrown.size).toBeGreaterThan(40);
    expect([...thrown].filter((code) => !Object.hasOwn(pages, code))).toEqual([]);
  });

  test('no code is explained twice: what two modules say belongs to the pages of the conventions', () => {
    const explained = [conventionPages, ...listModules(app.modules).map(({ errorPages }) => errorPages)].flatMap(
      Object.keys,
    );
    expect(explained.filter((code, i) => explained.indexOf(code) < i)).toEqual([]);
  });

  test('the list of errors leads to every page; a code that is none is 404, also one that every object has', async () => {
    const { text } = await app.api.get('/docs/errors').expect(200);
    for (const code of Object.keys(pages)) expect(text).toContain(`href="/docs/errors/${code}"`);
    for (const code of ['nothing', 'constructor', '__proto__', 'toString', '%3Cscript%3E'])
      await app.api.get(`/docs/errors/${code}`).expect(404);
  });
});

/** Codes of one fault in errors[], never of a whole problem. */
const faultCodes = ['password_weak'];

describe('request ids', () => {
  test.each(['abc', 'A-1_b.2', 'x'.repeat(128)])('%s is echoed', async (id) => {
    const { headers, body } = await app.api.get('/api/v1/nothing').set('X-Request-Id', id);
    expect([headers['x-request-id'], body.requestId]).toEqual([id, id]);
  });

  test.each(['', 'a b', 'x'.repeat(129), 'a/../b', '*/ DROP TABLE', 'é'])(
    '%j is not ours to repeat: one is made',
    async (id) => {
      const { headers } = await app.api.get('/api/v1/products').set('X-Request-Id', id);
      expect(headers['x-request-id']).toMatch(uuidV7);
    },
  );

  test('each request gets its own', async () => {
    const ids = await Promise.all(
      [1, 2, 3].map(async () => (await app.api.get('/health')).headers['x-request-id'] as string),
    );
    expect(new Set(ids).size).toBe(3);
  });
});

describe('origins', () => {
  const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];
  const allowed = [
    'Content-Type',
    'Authorization',
    'X-Requested-With',
    'Accept',
    'Idempotency-Key',
    'If-Match',
    'If-None-Match',
    'X-Request-Id',
  ];
  const exposed = [
    'ETag',
    'Location',
    'Link',
    'Retry-After',
    'RateLimit',
    'RateLimit-Policy',
    'X-Request-Id',
    'Idempotency-Replayed',
  ];
  const listed = (value: unknown) => String(value).split(/, ?/);

  test.each([PAGE_OF_OURS, new URL(app.config.publicUrl).origin])(
    '%s may call and read our headers',
    async (origin) => {
      const { headers } = await app.api.get('/api/v1/products').set('Origin', origin).expect(200);
      expect(headers).toMatchObject({
        'access-control-allow-origin': origin,
        'access-control-allow-credentials': 'true',
      });
      expect(listed(headers['access-control-expose-headers'])).toEqual(exposed);
      expect(headers['vary']).toMatch(/Origin/);
    },
  );

  test('a problem can be read by a page of ours, too', async () => {
    const { headers } = await app.api.get('/api/v1/users/me').set('Origin', PAGE_OF_OURS).expect(401);
    expect(headers['access-control-allow-origin']).toBe(PAGE_OF_OURS);
  });

  test('a preflight is answered for every method and header, for a day, and needs no token', async () => {
    const preflight = app.api.options('/api/v1/orders').set({
      Origin: PAGE_OF_OURS,
      'Access-Control-Request-Method': 'POST',
      'Access-Control-Request-Headers': 'idempotency-key',
    });
    const { headers, status } = await preflight;
    expect(status).toBe(204);
    expect(listed(headers['access-control-allow-methods'])).toEqual(methods);
    expect(listed(headers['access-control-allow-headers'])).toEqual(allowed);
    expect(headers['access-control-max-age']).toBe('86400');
  });

  test.each([
    'https://evil.example',
    `${PAGE_OF_OURS}.evil.example`,
    'http://shop.example.com',
    `${PAGE_OF_OURS}:8443`,
    'null',
    '*',
    '',
  ])('%j is refused before anything runs, and told nothing about whom we allow', async (origin) => {
    for (const method of ['get', 'options'] as const) {
      const { status, body, headers } = await app.api[method]('/api/v1/products').set('Origin', origin);
      expect({ method, status, code: body.code }).toEqual({ method, status: 403, code: 'origin_not_allowed' });
      expect(Object.keys(headers).filter((name) => name.startsWith('access-control-'))).toEqual([]);
    }
  });

  test('a refused origin changes nothing', async () => {
    const { body } = await requestFor(app, operationCalled('registerUser'), world);
    await app.api
      .post('/api/v1/users')
      .set('Origin', 'https://evil.example')
      .send(body as object)
      .expect(403);
    expect(await app.sql('SELECT id FROM users.users WHERE email = $1', [(body as { email: string }).email])).toEqual(
      [],
    );
  });
});

describe('methods and paths', () => {
  const paths = [...new Set(operations.map(({ path }) => path))];
  const documentedAt = (path: string) => operations.filter((one) => one.path === path).map(({ method }) => method);
  const also = (path: string) => paths.filter((one) => one !== path && matches(one, path)).flatMap(documentedAt);

  test.each(paths)('%s: every other method is 405, and Allow tells which there are', async (path) => {
    const documented = documentedAt(path);
    const others = (['get', 'post', 'put', 'patch', 'delete'] as const).filter(
      (method) => !documented.includes(method) && !also(path).includes(method),
    );
    const allowed = [
      ...documented.map((method) => method.toUpperCase()),
      ...(documented.includes('get') ? ['HEAD'] : []),
    ];
    for (const method of others) {
      const { status, body, headers } = await app.api[method](`/api/v1${filled(path)}`).set(admin.auth);
      expect({ method, status, code: body.code }).toEqual({ method, status: 405, code: 'method_not_allowed' });
      expect((headers['allow'] as string).split(', ').toSorted()).toEqual(allowed.toSorted());
    }
  });

  test.each([
    '/nothing',
    '/api/v1',
    '/api/v1/',
    '/api/v1/nothing',
    '/api/v2/products',
    '/api/v1/products/',
    '/api/v1/Products',
    '/api/v1/users/me/secrets',
    '/.env',
    '/api/v1//products',
  ])('%s is 404', async (path) => {
    const { status, body } = await app.api.get(path).set(admin.auth);
    expect({ status, code: body.code }).toEqual({ status: 404, code: 'route_not_found' });
  });

  test('HEAD answers like GET, without the body', async () => {
    const { productId } = await app.sellable();
    for (const path of [
      '/api/v1/products?limit=1',
      `/api/v1/products/${productId}`,
      '/health',
      '/docs/',
      '/openapi.json',
    ]) {
      const [got, head] = [await app.api.get(path), await app.api.head(path)];
      expect(head.status).toBe(200);
      expect(head.text ?? '').toBe('');
      const told = ({ headers }: typeof got) => [headers['content-type'], headers['content-length'], headers['etag']];
      expect(told(head)).toEqual(told(got));
    }
  });
});

describe('caching', () => {
  test('who knows the version gets 304, who knows another gets the thing', async () => {
    const { productId } = await app.sellable();
    const path = `/api/v1/products/${productId}`;
    const { headers, body } = await app.api.get(path).expect(200);
    expect(headers['etag']).toBe(`"${(body.data as { version: number }).version}"`);
    const again = await app.api.get(path).set('If-None-Match', headers['etag'] as string);
    expect([again.status, again.text]).toEqual([304, '']);
    expect(again.headers['etag']).toBe(headers['etag']);
    await app.api.get(path).set('If-None-Match', '"4711"').expect(200);
  });

  test('the public catalogue may be kept for 30 s by caches that heed the token; nothing else may be kept at all', async () => {
    const { productId } = await app.sellable();
    const cacheOf = async (path: string, caller?: Person) =>
      (await app.api.get(path).set(caller?.auth ?? {})).headers['cache-control'] as string;
    for (const path of ['/api/v1/products', `/api/v1/products/${productId}`]) {
      const { headers } = await app.api.get(path);
      expect(headers['cache-control']).toBe('public, max-age=30');
      expect(headers['vary']).toMatch(/Authorization/);
      expect(await cacheOf(path, admin)).toBe('no-store');
    }
    for (const path of ['/api/v1/users/me', '/api/v1/orders', '/api/v1/nothing'])
      expect(await cacheOf(path, owner)).toBe('no-store');
  });
});

describe('security', () => {
  test.each(['/api/v1/products', '/api/v1/nothing', '/docs/', '/docs/errors', '/openapi.json', '/nothing'])(
    '%s carries the headers',
    async (path) => {
      const { headers } = await app.api.get(path);
      expect(headers['content-security-policy']).toBe(
        "default-src 'none';script-src 'self';style-src 'self';img-src 'self' data:;connect-src 'self';form-action 'self';base-uri 'none';frame-ancestors 'none'",
      );
      expect(headers).toMatchObject({
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'SAMEORIGIN',
        'referrer-policy': 'no-referrer',
        'cross-origin-opener-policy': 'same-origin',
        'strict-transport-security': expect.stringMatching(/^max-age=\d{8}/) as string,
      });
    },
  );

  test.each(['/api/v1/products', '/health', '/metrics', '/docs/'])('%s does not tell what it runs on', async (path) => {
    const { headers } = await app.api.get(path);
    expect([headers['x-powered-by'], headers['server']]).toEqual([undefined, undefined]);
  });
});

describe('limits', () => {
  let addresses = 0;
  const newAddress = () => ({ 'X-Forwarded-For': `203.0.113.${++addresses}` });
  const ask = (headers: Record<string, string>, path = '/api/v1/products') => limited.api.get(path).set(headers);
  const inTurn = async (count: number, one: (i: number) => PromiseLike<{ status: number }>): Promise<number[]> => {
    const statuses: number[] = [];
    for (let i = 0; i < count; i++) statuses.push((await one(i)).status);
    return statuses;
  };

  test('the headers count down, and the one too many is 429 with Retry-After', async () => {
    const address = newAddress();
    for (const left of [2, 1, 0]) {
      const { headers } = await ask(address).expect(200);
      expect(headers['ratelimit']).toMatch(new RegExp(`r=${left};`));
      expect(headers['ratelimit-policy']).toMatch(/q=3; w=900/);
    }
    const { body, headers } = await ask(address).expect(429);
    expect(body.code).toBe('rate_limited');
    expect(Number(headers['retry-after'])).toBeGreaterThan(800);
    expect(Number(headers['retry-after'])).toBeLessThanOrEqual(900);
  });

  test('another address has its own count, and a forged one in front of ours does not help', async () => {
    const { 'X-Forwarded-For': real } = newAddress();
    expect(await inTurn(5, (i) => ask({ 'X-Forwarded-For': `198.51.100.${i}, ${real}` }))).toEqual([
      200, 200, 200, 429, 429,
    ]);
    await ask(newAddress()).expect(200);
  });

  test('what is refused counts as well', async () => {
    const address = newAddress();
    expect(await inTurn(4, () => ask(address, '/api/v1/nothing'))).toEqual([404, 404, 404, 429]);
  });

  test('an account has its own, larger count, wherever it calls from', async () => {
    const [one, other] = [await limited.signIn(), await limited.signIn()];
    expect(await inTurn(6, () => ask({ ...newAddress(), ...one.auth }))).toEqual([200, 200, 200, 200, 200, 429]);
    const address = newAddress();
    expect(await inTurn(5, () => ask({ ...address, ...other.auth }))).toEqual([200, 200, 200, 200, 200]);
    await ask(address).expect(200);
  });

  test('a token that is none counts for its address', async () => {
    const address = newAddress();
    expect(await inTurn(4, (i) => ask({ ...address, Authorization: `Bearer forged-${i}` }))).toEqual([
      401, 401, 401, 429,
    ]);
  });

  test.each(['/health', '/livez', '/ready', '/readyz', '/healthz', '/version'])('%s is not limited', async (path) => {
    const address = newAddress();
    expect(new Set(await inTurn(8, () => ask(address, path)))).toEqual(new Set([200]));
  });

  test('nor are the metrics', async () => {
    const headers = { ...newAddress(), Authorization: 'Bearer metrics-token' };
    expect(new Set(await inTurn(8, () => ask(headers, '/metrics')))).toEqual(new Set([200]));
  });

  test('nor are the providers’ events: all of them come from a few addresses', async () => {
    const address = newAddress();
    const event = await requestFor(limited, operationCalled('receivePaymentEvent'), world);
    expect(new Set(await inTurn(8, () => send(limited, event).set(address)))).toEqual(new Set([204]));
  });
});

describe('metrics', () => {
  test('are open while no token is set, as in development', async () => {
    const { text, type } = await app.api.get('/metrics').expect(200);
    expect(type).toBe('text/plain');
    expect(text).toMatch(
      /http_server_request_duration_seconds_count\{method="GET",route="\/api\/v1\/products\/:id",status="200"\} \d+/,
    );
    expect(text).not.toMatch(uuidV7.source.slice(1, -1));
  });

  test.each([
    undefined,
    '',
    'Bearer',
    'Bearer metrics-toke',
    'Bearer metrics-tokens',
    'metrics-token',
    'Basic bWV0cmljcy10b2tlbg==',
  ])('with a token set, %j is 401', async (sent) => {
    const { status, body, headers } = await limited.api
      .get('/metrics')
      .set(sent === undefined ? {} : { Authorization: sent });
    expect({ status, code: body.code }).toEqual({ status: 401, code: 'token_required' });
    expect(headers['www-authenticate']).toBe('Bearer');
  });
});

describe('the pages for people', () => {
  test('/docs/ has nothing inline, and everything it names is there', async () => {
    const { text } = await app.api.get('/docs/').expect(200);
    expect(text).not.toMatch(/<style|\sstyle=|\son\w+=|javascript:|<script(?![^>]*\ssrc=)[^>]*>/i);
    const named = [...text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, url]) => url ?? '');
    expect(named.length).toBeGreaterThanOrEqual(4);
    for (const url of named) {
      expect(url).toMatch(/^\/docs\//);
      const { status, type, headers } = await app.api.get(url);
      expect({ url, status }).toEqual({ url, status: 200 });
      expect(type).toMatch(url.endsWith('.js') ? 'javascript' : url.endsWith('.css') ? 'text/css' : 'image/');
      expect(headers['x-content-type-options']).toBe('nosniff');
    }
  });

  test('no error page has anything inline', async () => {
    for (const path of ['/docs/errors', '/docs/errors/validation_failed']) {
      const { text } = await app.api.get(path).expect(200);
      expect(text).not.toMatch(/<style|\sstyle=|\son\w+=|<script/i);
    }
  });

  test('the assets are only those of the page: no way out of their folder', async () => {
    for (const path of [
      '/docs/assets/../../package.json',
      '/docs/assets/..%2f..%2fpackage.json',
      '/docs/assets/%2e%2e/package.json',
    ]) {
      expect((await app.api.get(path)).status).toBeGreaterThanOrEqual(400);
    }
  });

  test('/openapi.json is the document', async () => {
    const { body, type } = await app.api.get('/openapi.json').expect(200);
    expect(type).toBe('application/json');
    expect(body).toEqual(JSON.parse(JSON.stringify(app.document)));
  });

  test('every operation has a name of its own, a summary, and an example of its body', () => {
    expect(new Set(operations.map(({ id }) => id)).size).toBe(operations.length);
    expect(
      operations
        .filter(({ body, isRaw }) => body !== null && !isRaw && body.examples === undefined)
        .map(({ id }) => id),
    ).toEqual([]);
  });
});

describe('retries', () => {
  const idempotent = operations.filter(({ parameters }) => parameters.some(({ name }) => name === 'Idempotency-Key'));

  test('the operations of the conventions are among them', () => {
    expect(idempotent.map(({ id }) => id)).toEqual(
      expect.arrayContaining([
        'placeOrder',
        'cancelOrder',
        'createPayment',
        'confirmPayment',
        'voidPayment',
        'adjustStock',
      ]),
    );
  });

  test.each(idempotent)(
    '$id: the same key gets the same answer, marked; another body is refused',
    async (operation) => {
      const caller = operation.permissions.includes('orders:own') ? owner : admin;
      const request = await requestFor(app, operation, world, caller);
      const first = await send(app, request, caller);
      const second = await send(app, request, caller);
      expect(first.status).toBeLessThan(300);
      expect([second.status, second.text]).toEqual([first.status, first.text]);
      expect([first.headers['idempotency-replayed'], second.headers['idempotency-replayed']]).toEqual([
        undefined,
        'true',
      ]);
      expect([second.headers['location'], second.headers['etag']]).toEqual([
        first.headers['location'],
        first.headers['etag'],
      ]);
      const other = otherBody(request.body);
      if (other === null) return;
      const { status, body } = await send(app, { ...request, body: other }, caller);
      expect({ status, code: body.code }).toEqual({ status: 422, code: 'idempotency_key_reused' });
    },
  );
});

describe('lists: each row is seen once while others insert', () => {
  const lists = operations.filter(({ parameters }) => parameters.some(({ name }) => name === 'cursor'));
  const makers: Record<string, () => Promise<{ path: string; caller: Person; insert: () => Promise<string> }>> = {
    listProducts: async () => ({
      path: '/products',
      caller: admin,
      insert: async () => (await app.sellable()).productId,
    }),
    listStock: async () => ({ path: '/stock', caller: admin, insert: async () => (await app.sellable()).sku }),
    listStockMovements: async () => ({
      path: '/stock/movements',
      caller: admin,
      insert: async () => {
        const { sku } = await app.sellable();
        const { body } = await app.api.get(`/api/v1/stock/movements?sku=${sku}`).set(admin.auth).expect(200);
        return (body.data as { id: string }[])[0]?.id ?? '';
      },
    }),
    listOrders: async () => {
      const customer = await app.signIn();
      return { path: '/orders', caller: customer, insert: worldOf(app, customer).ids['orders'] ?? (async () => '') };
    },
    listFulfillments: async () => {
      const { orderId, fulfil } = await orderOfMany();
      return { path: `/orders/${orderId}/fulfillments`, caller: owner, insert: fulfil };
    },
    getOrderTimeline: async () => {
      const { orderId, fulfil } = await orderOfMany();
      return { path: `/orders/${orderId}/timeline`, caller: admin, insert: fulfil };
    },
    listPayments: async () => {
      const path = `/orders/${(await world.ids['orders']?.()) ?? ''}/payments`;
      const insert = async () => {
        const { body } = await app.api
          .post(`/api/v1${path}`)
          .set(owner.auth)
          .set(key())
          .send({ token: 'tok_declined' })
          .expect(402);
        return String(body.paymentId);
      };
      return { path, caller: owner, insert };
    },
    listUsers: async () => ({
      path: '/users',
      caller: admin,
      insert: async () => (await app.signIn()).userId,
    }),
    listApiKeys: async () => ({
      path: '/api-keys',
      caller: admin,
      insert: async () => (await makeKey(app, ['stock:read'])).id,
    }),
    listMyAddresses: async () => {
      const person = await app.signIn();
      return { path: '/users/me/addresses', caller: person, insert: () => keepAddress(app, person) };
    },
    listMySessions: async () => {
      const person = await app.signIn();
      return { path: '/users/me/sessions', caller: person, insert: () => openSession(app, person) };
    },
    listRefunds: async () => {
      const path = `/orders/${(await world.ids['createRefund']?.()) ?? ''}/refunds`;
      const cent = { amount: { amount: 1, currency: 'EUR' }, reason: 'A cent' };
      const insert = async () => {
        const { body } = await app.api.post(`/api/v1${path}`).set(admin.auth).set(key()).send(cent).expect(201);
        return (body.data as { id: string }).id;
      };
      return { path, caller: owner, insert };
    },
    listAuditEntries: async () => {
      const { service } = app.modules.audit;
      const insert = async () => {
        const deed = { actor: null, action: 'test.done', subject: { type: 'test', id: null } };
        const entry = service.prepare(deed) as { id: string };
        await app.sql('SELECT audit.record($1)', [JSON.stringify(entry)]);
        return entry.id;
      };
      return { path: '/audit-entries', caller: admin, insert };
    },
  };

  test('every list of the document is among them', () =>
    expect(lists.map(({ id }) => id).toSorted()).toEqual(Object.keys(makers).toSorted()));

  test.each(Object.keys(makers))('%s', async (id) => {
    const { path, caller, insert } = (await makers[id]?.()) ?? { path: '', caller: admin, insert: async () => '' };
    const there = [];
    for (let i = 0; i < 7; i++) there.push(await insert());
    const seen: string[] = [];
    const sizes: number[] = [];
    let url: string | null = `/api/v1${path}?limit=2`;
    while (url !== null) {
      const {
        body,
        headers,
      }: {
        body: { data: Record<string, string>[]; page: { nextCursor: string | null } };
        headers: Record<string, string>;
      } = await app.api.get(url).set(caller.auth).expect(200);
      seen.push(...body.data.map((row) => row['id'] ?? row['sku'] ?? row['fulfillmentId'] ?? row['type'] ?? ''));
      sizes.push(body.data.length);
      await insert();
      url = nextOf(`/api/v1${path}?limit=2`, body.page.nextCursor, headers['link']);
    }
    expect(seen.length).toBe(new Set(seen).size);
    expect(there.filter((one) => !seen.includes(one))).toEqual([]);
    expect(sizes.slice(0, -1).every((size) => size === 2)).toBe(true);
  });

  test('20 at a time unless asked otherwise', async () => {
    for (let i = 0; i < 21; i++) await app.sellable();
    const { body } = await app.api.get('/api/v1/products').expect(200);
    expect(body.data).toHaveLength(20);
  });
});

/** Sent one by one. */
async function orderOfMany(): Promise<{ orderId: string; fulfil: () => Promise<string> }> {
  const post = async (path: string, { auth }: Person, body: object) =>
    (await app.api.post(`/api/v1/orders${path}`).set(auth).set(key()).send(body).expect(201)).body.data;
  const { id: orderId, lines } = await post('', owner, { lines: [{ sku: await world.sku(), quantity: 50 }] });
  await post(`/${orderId}/payments`, owner, { token: 'tok_ok' });
  const part = { lines: [{ lineId: lines[0].id, quantity: 1 }] };
  return { orderId, fulfil: async () => (await post(`/${orderId}/fulfillments`, admin, part)).id };
}

/** The cursor of the body and the Link header lead to the same page. */
function nextOf(url: string, cursor: string | null, link: string | undefined): string | null {
  const next = cursor === null ? null : `${url}&cursor=${cursor}`;
  expect(link).toBe(next === null ? undefined : `<${next}>; rel="next"`);
  return next;
}

/** Valid, and different; null when there is nothing to differ in. */
function otherBody(body: unknown): unknown {
  const changes: [string, unknown][] = [
    ['note', 'Another note.'],
    ['reason', 'Another reason'],
    ['capture', false],
    ['carrier', 'Another carrier'],
  ];
  const change = changes.find(([name]) => typeof body === 'object' && body !== null && name in body);
  return change === undefined ? null : { ...(body as object), [change[0]]: change[1] };
}

function operationCalled(id: string): Operation {
  const found = operations.find((one) => one.id === id);
  if (found === undefined) throw new Error(`the document has no operation ${id}`);
  return found;
}

const filled = (path: string): string =>
  path.replaceAll('{id}', '01939d3a-7c1e-7b1a-8f00-000000000001').replaceAll(/\{\w+\}/g, 'test');

function matches(pattern: string, path: string): boolean {
  const [steps, own] = [pattern.split('/'), path.split('/')];
  return steps.length === own.length && steps.every((step, i) => step.startsWith('{') || step === own[i]);
}

const throwers =
  'malformed|unauthenticated|declined|forbidden|notFound|conflict|preconditionFailed|preconditionRequired|unprocessable|unavailable|refused|keyProblem';

/** From the sources, as the code stands in them. */
async function codesThrown(): Promise<Set<string>> {
  const root = new URL('..', import.meta.url).pathname;
  const files = (
    await Promise.all(
      ['modules', 'shared'].map(async (folder) =>
        (await readdir(join(root, folder), { recursive: true })).map((file) => join(root, folder, file)),
      ),
    )
  ).flat();
  const sources = files.filter((file) => file.endsWith('.ts') && !file.includes('/tests/'));
  const texts = await Promise.all(sources.map((file) => readFile(file, 'utf8')));
  const calls = new RegExp(`(?:\\b(?:${throwers})\\(\\s*|new AppError\\(\\s*'\\w+',\\s*)'([a-z_]+)'`, 'g');
  return new Set(texts.flatMap((text) => [...text.matchAll(calls)].map(([, code]) => code ?? '')));
}
