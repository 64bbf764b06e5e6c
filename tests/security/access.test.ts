// One customer tries everything with the things of another: every id of every operation, from the document.
import { afterAll, describe, expect, test } from 'vitest';
import { startTestApp, type Person } from '../support/app.ts';
import { fieldsOf, type Field } from '../support/bad-values.ts';
import {
  callerOf,
  operationsOf,
  requestFor,
  send,
  worldOf,
  type Operation,
  type Request,
} from '../support/operations.ts';
import { snapshotOf } from '../support/snapshot.ts';

const app = await startTestApp();
afterAll(() => app.close());
const operations = operationsOf(app.document);
const owner = await app.signIn();
const stranger = await app.signIn();
const admin = await app.signIn({ role: 'admin' });
const world = worldOf(app, owner);

const missingId = '01939d3a-7c1e-7b1a-8f00-0000000000ff';
const uuid = /[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f-]{3}-[0-9a-f-]{17}/g;

const customersOwn = ({ permissions }: Operation): boolean =>
  permissions.some((one) => one === 'account:own' || one === 'orders:own');
const hasPathId = ({ path }: Operation): boolean => path.includes('{id}');
const isForAll = ({ permissions }: Operation): boolean => permissions.length === 0;
const isList = ({ method, path, parameters }: Operation): boolean =>
  method === 'get' && !path.includes('{') && parameters.some(({ name }) => name === 'cursor');

const behindIds = operations.filter((one) => hasPathId(one) && !isForAll(one));

test('there are such operations', () => {
  expect(behindIds.length).toBeGreaterThanOrEqual(8);
  expect(operations.filter((one) => isForAll(one) && hasPathId(one)).map(({ id }) => id)).toEqual(['getProduct']);
});

describe.each(behindIds)('API1:2023 and ASVS 8.2.2, $id with the id of somebody else', (operation) => {
  test('is refused like an id that is nobody’s, tells nothing and changes nothing', async () => {
    const request = await requestFor(app, operation, world, callerOf(operation, { customer: owner, admin }));
    const before = await snapshotOf(app);
    const foreign = await send(app, request, stranger);
    const missing = await send(app, { ...request, path: request.path.replace(uuid, missingId) }, stranger);
    expect(foreign.status).toBe(customersOwn(operation) ? 404 : 403);
    expect(withoutPlace(foreign.body)).toEqual(withoutPlace(missing.body));
    expect(Object.keys(foreign.headers).toSorted()).toEqual(Object.keys(missing.headers).toSorted());
    expect(await snapshotOf(app)).toEqual(before);
  });
});

const withoutPlace = (problem: unknown): object => ({ ...(problem as object), instance: '', requestId: '' });

const idFieldsOf = ({ body, isRaw }: Operation): Field[] =>
  body === null || isRaw ? [] : fieldsOf(body).filter(({ schema }) => schema['format'] === 'uuid');
const withIdsInside = operations.filter((one) => idFieldsOf(one).length > 0);

describe.each(withIdsInside)('API1:2023 and ASVS 8.2.2, $id with a foreign id in its body', (operation) => {
  test.each(idFieldsOf(operation))('$pointer', async (field) => {
    const caller = callerOf(operation, { customer: stranger, admin });
    for (const foreignId of await foreignIds()) {
      const request = await requestFor(app, operation, worldOf(app, stranger), caller);
      const before = await effects();
      const { status } = await send(app, { ...request, body: withId(request.body, field.pointer, foreignId) }, caller);
      expect({ foreignId, isRefused: status >= 400 && status < 500 }).toEqual({ foreignId, isRefused: true });
      expect(await effects()).toEqual(before);
    }
  });
});

/** A refusal by a rule of business is remembered with its key, and that is all. */
async function effects(): Promise<object> {
  const { 'idempotency.keys': _keys, ...others } = await snapshotOf(app);
  return others;
}

/** The owner, things of theirs, and what is inside of one. */
async function foreignIds(): Promise<string[]> {
  const made = await Promise.all(Object.values(world.ids).map((make) => make()));
  const { body } = await app.api.get('/api/v1/orders?limit=1').set(owner.auth).expect(200);
  const inside = JSON.stringify(body.data).match(uuid) ?? [];
  return [...new Set([owner.userId, ...made, ...inside])];
}

/** The example with this id at its place; lists get one element that has all that the example's has. */
function withId(body: unknown, pointer: string, id: string): unknown {
  const copy = structuredClone(body ?? {}) as Record<string, unknown>;
  const steps = pointer.slice(1).split('/');
  const last = steps.pop() ?? '';
  let place = copy;
  for (const [i, step] of steps.entries()) {
    place[step] ??= steps[i + 1] === '0' ? [] : { quantity: 1 };
    place = place[step] as Record<string, unknown>;
  }
  place[last] = id;
  return copy;
}

describe.each(operations.filter((one) => isList(one) && customersOwn(one)))(
  'API1:2023 and ASVS 8.2.2, $id',
  (operation) => {
    test('shows nothing of the other’s, also behind a cursor of theirs', async () => {
      for (const make of Object.values(world.ids)) await Promise.all([make(), make()]);
      const page = `/api/v1${operation.path}?limit=1`;
      const theirs = await app.api.get(page).set(owner.auth).expect(200);
      const ids = JSON.stringify(theirs.body.data).match(uuid) ?? [];
      expect(ids.length).toBeGreaterThan(0);
      const cursor = theirs.body.page.nextCursor === null ? '' : `&cursor=${theirs.body.page.nextCursor}`;
      for (const path of [page.replace('?limit=1', ''), `${page}${cursor}`]) {
        const { text } = await app.api.get(path).set(stranger.auth).expect(200);
        expect(ids.filter((one) => text.includes(one))).toEqual([]);
      }
    });
  },
);

const idempotent = operations.filter(
  (one) => customersOwn(one) && one.parameters.some(({ name }) => name === 'Idempotency-Key'),
);

describe.each(idempotent)('API1:2023, $id with the Idempotency-Key of somebody else', (operation) => {
  test('does not give their stored answer away', async () => {
    const request = await requestFor(app, operation, world, owner);
    const first = await send(app, request, owner);
    expect(first.status).toBeLessThan(300);
    expect((await send(app, request, owner)).headers['idempotency-replayed']).toBe('true');
    const copied = await send(app, request, stranger);
    expect(copied.headers['idempotency-replayed']).toBeUndefined();
    expect(JSON.stringify(withoutPlace(copied.body))).not.toContain(idOf(first.body));
  });
});

const idOf = (body: unknown): string => (body as { data: { id?: string } }).data.id ?? 'nothing';

describe('API5:2023 and ASVS 8.2.1: a way around the routes of staff', () => {
  const sideways = [
    '/API/v1/stock',
    '/api/v1/Stock',
    '/api/v1/stock/',
    '//api/v1/stock',
    '/api/v1//stock',
    '/api/v1/./stock',
    '/api/v1/products/../stock',
    '/api/v1/products/..%2fstock',
    '/api/v1/%73tock',
    '/api/v1/stock%00',
    '/api/v1/stock;admin=true',
    '/api/v1/stock.json',
    '/api/v1/stock%20',
    '/api/v1/stock?admin=true&role=admin',
  ];
  test.each(sideways)('%s is not open to a customer', async (path) => {
    const { status } = await app.api.get(path).set(stranger.auth);
    expect([400, 403, 404]).toContain(status);
  });

  const headers = [
    { 'X-Original-URL': '/api/v1/stock' },
    { 'X-Rewrite-URL': '/api/v1/stock' },
    { 'X-User-Id': admin.userId },
    { 'X-Role': 'admin' },
    { 'X-Forwarded-User': 'admin' },
    { Cookie: `accessToken=${admin.accessToken}; role=admin` },
  ];
  test.each(headers)('header %#: makes nobody an admin', async (header) => {
    await app.api.get('/api/v1/stock').set(stranger.auth).set(header).expect(403);
    const { body } = await app.api.get('/api/v1/users/me').set(stranger.auth).set(header).expect(200);
    expect((body.data as Person & { id: string }).id).toBe(stranger.userId);
  });
});

test('ASVS 8.2.2: an id that is written otherwise is still only its owner’s', async () => {
  const id = (await world.ids['orders']?.()) ?? '';
  const spellings = [
    id.toUpperCase(),
    `%${id.charCodeAt(0).toString(16)}${id.slice(1)}`,
    `{${id}}`,
    id.replaceAll('-', ''),
  ];
  for (const spelling of spellings) {
    const request: Request = {
      method: 'get',
      path: `/api/v1/orders/${spelling}`,
      query: '',
      headers: {},
      body: undefined,
    };
    expect([400, 404]).toContain((await send(app, request, stranger)).status);
  }
});
