// Whatever is wrong with a request, its caller is told where, and nothing happens: every field of every operation, from the document.
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, test } from 'vitest';
import { startTestApp, type Person } from './support/app.ts';
import {
  badIds,
  badTextsFor,
  badValuesFor,
  complete,
  fieldsOf,
  fits,
  objectsOf,
  type Field,
} from './support/bad-values.ts';
import {
  callerOf,
  operationsOf,
  requestFor,
  send,
  signed,
  spendsLogin,
  worldOf,
  type Operation,
  type Parameter,
  type Request,
} from './support/operations.ts';
import { snapshotOf } from './support/snapshot.ts';

type Attack = { name: string; change: Partial<Request>; status: number; code: string; pointer?: string };

const app = await startTestApp();
afterAll(() => app.close());
const operations = operationsOf(app.document);
const owner = await app.signIn();
const admin = await app.signIn({ role: 'admin' });
const world = worldOf(app, owner);

const takesJson = ({ body, isRaw }: Operation): boolean => body !== null && !isRaw;
const has = (place: 'path' | 'query' | 'header', name?: string) => (operation: Operation) =>
  operation.parameters.some((one) => one.in === place && (name === undefined || one.name === name));

describe.each(operations.filter(takesJson))('$id: the body', (operation) => {
  test('every field with every value that does not fit', () =>
    refused(operation, (base) =>
      fieldsIn(operation).flatMap((field) => badValuesFor(field).map((value) => spoiled(base, field, value))),
    ));

  test('every required field left out', () =>
    refused(operation, (base) =>
      fieldsIn(operation)
        .filter(({ isRequired }) => isRequired)
        .map((field) => ({ ...spoiled(base, field, undefined), code: 'validation_failed/required' })),
    ));

  test('a field too many, at every place', () =>
    refused(operation, (base) =>
      objectsOf(bodyOf(operation)).flatMap((place) =>
        strangers.map((name) => ({ ...withField(base, place, name), code: 'validation_failed/unknown_field' })),
      ),
    ));

  test('no object, or no JSON', () => refused(operation, () => notObjects(operation)));
  test('JSON in disguise, or too much of it', () => refused(operation, disguises));
});

describe.each(operations.filter(has('path')))('$id: the path', (operation) => {
  test('ids that are none', () => refused(operation, (base) => pathAttacks(operation, base)));
});

describe.each(operations)('$id: the query', (operation) => {
  test('parameters that do not fit, come twice, or are not known', () =>
    refused(operation, () => queryAttacks(operation)));
});

describe.each(operations.filter(has('header', 'Idempotency-Key')))('$id: Idempotency-Key', (operation) => {
  test('absent or not a key', () =>
    refused(operation, (base) => [
      withoutHeader(base, 'Idempotency-Key', 400, 'idempotency_key_required'),
      ...['', 'a b', 'é', '\t', 'x'.repeat(256), 'one, two'].map((value) =>
        withHeader(base, 'Idempotency-Key', value, 'idempotency_key_invalid'),
      ),
    ]));
});

describe.each(operations.filter(has('header', 'If-Match')))('$id: If-Match', (operation) => {
  test('absent, not an ETag of ours, or stale', () =>
    refused(operation, (base) => [
      withoutHeader(base, 'If-Match', 428, 'if_match_required'),
      ...['', '*', '1', 'W/"1"', '"x"', '"-1"', '"1.5"', '"1e2"', '"99999999999"', '"1", "2"', "'1'", '""'].map(
        (value) => withHeader(base, 'If-Match', value, 'if_match_invalid'),
      ),
      {
        name: 'stale',
        change: { headers: { ...base.headers, 'If-Match': '"999999999"' } },
        status: 412,
        code: 'version_stale',
      },
    ]));
});

describe.each(operations.filter(({ isRaw }) => isRaw))('$id: the event', (operation) => {
  const events: [string, unknown][] = [
    ['broken JSON', '{"id":'],
    ['nothing', ''],
    ['null', 'null'],
    ['a list', '[]'],
    ['a text', '"x"'],
    ['an empty object', {}],
    ['NUL', { id: 'a\0b', type: 'x', charge: {} }],
    ['numbers for texts', { id: 1e21, type: -1, charge: [] }],
    ['a deep one', '['.repeat(20_000) + ']'.repeat(20_000)],
  ];
  test('signed, but not an event', () =>
    refused(operation, (base) =>
      events.map(([name, event]) => ({
        name,
        change: signedLike(base, event),
        status: 400,
        code: 'validation_failed',
      })),
    ));
  test('not signed, too large or compressed', () =>
    refused(operation, (base) => [
      {
        name: 'no signature',
        change: { headers: { 'Content-Type': 'application/json' } },
        status: 400,
        code: 'signature_invalid',
      },
      {
        name: 'another signature',
        change: { headers: { ...base.headers, ...signed('{}').headers } },
        status: 400,
        code: 'signature_invalid',
      },
      { name: '300 kB', change: { body: ' '.repeat(300_000) }, status: 413, code: 'body_too_large' },
      {
        name: 'gzip',
        change: { headers: { ...base.headers, 'Content-Encoding': 'gzip' }, body: gzipSync('{}') },
        status: 415,
        code: 'unsupported_media_type',
      },
    ]));
});

describe.each(operations.filter(({ isPublic }) => !isPublic))('$id: the token', (operation) => {
  test('anything but a bearer token of ours', async () => {
    const values = [
      '',
      'Bearer',
      'Bearer ',
      'Bearer a b',
      'Bearer x',
      'Basic YTpi',
      `Bearer ${'x'.repeat(5000)}`,
      'bearer eyJhbGciOiJub25lIn0.e30.',
      'Bearer é',
    ];
    await refused(operation, (base) =>
      values.map((value) => ({
        name: value.slice(0, 30),
        change: { headers: { ...base.headers, Authorization: value } },
        status: 401,
        code: 'token_invalid',
      })),
    );
  });
});

/** They fit the document, and the database could still choke on them. */
test.each([
  '/orders?createdAfter=0000-01-01T00:00:00Z',
  '/orders?createdBefore=9999-12-31T23:59:59.999999999999Z',
  '/orders?createdAfter=2026-01-01T00:00:00%2B23:59',
  '/orders?createdAfter=2026-01-01T00:00:00-23:59',
  '/orders?createdAfter=0001-01-01T00:00:00%2B14:00',
  '/products?limit=007',
  '/stock?sku=__proto__',
  '/stock?sku=constructor',
])('%s is answered, or refused as a fault of the caller’s', async (path) => {
  const { status } = await app.api.get(`/api/v1${path}`).set(admin.auth);
  expect(status).toBeLessThan(500);
});

test('the requests that are spoiled here are good before: each is answered with success', async () => {
  const answers = operations.map(async (operation) => {
    const caller = callerOf(operation, { customer: owner, admin });
    const { status } = await send(
      app,
      await requestFor(app, operation, world, caller),
      spendsLogin(operation) ? await app.signIn() : caller,
    );
    return { id: operation.id, isGood: status >= 200 && status < 300 };
  });
  expect((await Promise.all(answers)).filter(({ isGood }) => !isGood)).toEqual([]);
});

const AT_ONCE = 10;

/** Sends every attack, and tells of those that were not refused as they should be. */
async function refused(operation: Operation, attacksOn: (base: Request) => Attack[]): Promise<void> {
  const caller = callerOf(operation, { customer: owner, admin });
  const base = completed(operation, await requestFor(app, operation, world, caller));
  const before = await snapshotOf(app);
  const attacks = attacksOn(base);
  const complaints: string[] = [];
  for (let i = 0; i < attacks.length; i += AT_ONCE) {
    const some = attacks
      .slice(i, i + AT_ONCE)
      .map((attack) => complaintsOf(attack, { ...base, ...attack.change }, caller));
    complaints.push(...(await Promise.all(some)).flat());
  }
  expect(complaints).toEqual([]);
  expect(await snapshotOf(app)).toEqual(before);
}

/** With all its fields, so that each can be spoiled. */
function completed(operation: Operation, request: Request): Request {
  return takesJson(operation) ? { ...request, body: complete(bodyOf(operation), request.body) } : request;
}

type Answered = { code: string; errors?: { pointer: string; code: string }[] };

async function complaintsOf(
  { name, status, code, pointer }: Attack,
  request: Request,
  caller: Person | null,
): Promise<string[]> {
  const answer = await Promise.resolve(send(app, request, caller)).catch((error: unknown) => String(error));
  if (typeof answer === 'string') return [`${name}: ${answer}`];
  const { code: given, errors = [] } = answer.body as Answered;
  const [expected, faultCode] = code.split('/');
  const elsewhere = errors
    .filter((fault) => pointer !== undefined && !isAt(fault.pointer, pointer))
    .map((fault) => fault.pointer);
  const isNamed =
    pointer === undefined ||
    errors.some((fault) => isAt(fault.pointer, pointer) && (faultCode === undefined || fault.code === faultCode));
  if (answer.status === status && given === expected && isNamed && elsewhere.length === 0) return [];
  return [
    `${name}: expected ${status} ${code} at ${pointer}, got ${answer.status} ${given} at ${errors.map((fault) => `${fault.pointer} (${fault.code})`).join(', ')}`,
  ];
}

const isAt = (pointer: string, place: string): boolean => pointer === place || pointer.startsWith(`${place}/`);

const bodyOf = ({ body }: Operation) => body ?? {};
const fieldsIn = (operation: Operation): Field[] => fieldsOf(bodyOf(operation));

function spoiled(base: Request, { pointer }: Field, value: unknown): Attack {
  const body = changed(base.body, pointer, value);
  return { name: `${pointer} = ${shown(value)}`, change: { body }, status: 400, code: 'validation_failed', pointer };
}

/** Valid for every JSON reader, and dangerous for those that copy into plain objects. */
const strangers = ['unexpected', '__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'a/b~c', ''];

function withField(base: Request, place: string, name: string): Attack {
  const body = changed(base.body, `${place}/${escaped(name)}`, 1);
  return {
    name: `${place}/${name}`,
    change: { body },
    status: 400,
    code: 'validation_failed',
    pointer: `${place}/${escaped(name)}`,
  };
}

const escaped = (step: string): string => step.replaceAll('~', '~0').replaceAll('/', '~1');

/** A copy with this one place changed; `undefined` takes the field out. */
function changed(body: unknown, pointer: string, value: unknown): unknown {
  const steps = pointer
    .slice(1)
    .split('/')
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
  const copy = structuredClone(body) as Record<string, unknown>;
  const last = steps.pop() ?? '';
  let place = copy;
  for (const step of steps) place = place[step] as Record<string, unknown>;
  // As JSON.parse does it: an own property, whatever its name.
  if (value === undefined) delete place[last];
  else Object.defineProperty(place, last, { value, enumerable: true, configurable: true, writable: true });
  return copy;
}

const shown = (value: unknown): string => (JSON.stringify(value) ?? 'nothing').slice(0, 60);

function notObjects(operation: Operation): Attack[] {
  const malformed = [
    'null',
    '"x"',
    '1',
    'true',
    '{"a":',
    '{"a":1}}',
    "{'a':1}",
    '{"a":01}',
    'undefined',
    '\ufeff\ufeff{}',
    '{"a":"\n"}',
  ];
  const deep = [
    ['a deep list', '['.repeat(8000) + ']'.repeat(8000)],
    ['a deep object', '{"a":'.repeat(2700) + '1' + '}'.repeat(2700)],
  ] as const;
  return [
    ...malformed.map((text) => sent(text, text, 400, 'malformed_json')),
    ...deep.map(([name, text]) => sent(name, text, 400, 'validation_failed')),
    ...['[]', '[{}]'].map((text) => sent(text, text, 400, 'validation_failed')),
    ...(operation.isBodyRequired
      ? [{ name: 'no body', change: { body: undefined }, status: 400, code: 'validation_failed' }]
      : []),
  ];
}

function sent(name: string, body: unknown, status: number, code: string, headers: Record<string, string> = {}): Attack {
  return {
    name,
    change: { body, headers: { 'Content-Type': 'application/json', ...someKey, ...headers } },
    status,
    code,
  };
}

/** Bodies are read before keys are looked at, so one that is never used is enough. */
const someKey = { 'Idempotency-Key': 'never-used', 'If-Match': '"1"' };

function disguises({ body }: Request): Attack[] {
  const text = JSON.stringify(body ?? {});
  const unsupported = [
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/xml',
    'application/jsonp',
    'application/json; charset=latin1',
    'json',
  ];
  return [
    ...unsupported.map((type) => sent(type, text, 415, 'unsupported_media_type', { 'Content-Type': type })),
    ...['gzip', 'br', 'deflate', 'compress'].map((encoding) =>
      sent(encoding, gzipSync(text), 415, 'unsupported_media_type', { 'Content-Encoding': encoding }),
    ),
    sent('17 kB', `${text.slice(0, -1)}${' '.repeat(17 * 1024)}}`, 413, 'body_too_large'),
    sent('UTF-16', Buffer.from(text, 'utf16le'), 400, 'malformed_json'),
    sent('gzip, not said', gzipSync(text), 400, 'malformed_json'),
  ];
}

function pathAttacks(operation: Operation, { path }: Request): Attack[] {
  const { name, schema } = operation.parameters.find((one) => one.in === 'path') ?? { name: '', schema: {} };
  const place = operation.path.split('/').indexOf(`{${name}}`) + '/api/v1'.split('/').length - 1;
  const at = (value: string) => path.split('/').with(place, value).join('/');
  const bad = badIds.filter((value) => value.includes('%00') || !fits(schema, decodeURIComponent(value)));
  return [
    ...bad.map((value) => ({
      name: value.slice(0, 40),
      change: { path: at(value) },
      status: 400,
      code: 'validation_failed',
      pointer: `/path/${name}`,
    })),
    ...['%', '%E0%A4%A', '%ED%A0%80', '%C0%80', '%zz'].map((value) => ({
      name: value,
      change: { path: at(value) },
      status: 400,
      code: 'path_invalid',
    })),
  ];
}

function queryAttacks({ parameters }: Operation): Attack[] {
  const known = parameters.filter((one) => one.in === 'query');
  const at = (name: string, query: string, code = 'validation_failed'): Attack => ({
    name: query.slice(0, 60),
    change: { query },
    status: 400,
    code,
    pointer: `/query/${name}`,
  });
  return [
    ...known.flatMap((one) =>
      badTextsFor(one).map((text) =>
        at(one.name, `?${one.name}=${text}`, isUnreadableCursor(one, text) ? 'cursor_invalid' : undefined),
      ),
    ),
    ...known.map(({ name }) => at(name, `?${name}=1&${name}=2`)),
    ...['unexpected', '__proto__', 'constructor', 'toString', 'limit[]', 'sku.eq'].map((name) =>
      at(name, `?${encodeURIComponent(name)}=1`, 'validation_failed/unknown_field'),
    ),
  ];
}

const isUnreadableCursor = ({ name, schema }: Parameter, text: string): boolean =>
  name === 'cursor' && fits(schema, decodeURIComponent(text)) && !text.includes('%00');

function withHeader({ headers }: Request, name: string, value: string, code: string): Attack {
  return {
    name: `${name}: ${value.slice(0, 20)}`,
    change: { headers: { ...headers, [name]: value } },
    status: 400,
    code,
    pointer: `/header/${name.toLowerCase()}`,
  };
}

function withoutHeader({ headers }: Request, name: string, status: number, code: string): Attack {
  return {
    name: `no ${name}`,
    change: { headers: Object.fromEntries(Object.entries(headers).filter(([one]) => one !== name)) },
    status,
    code,
  };
}

function signedLike({ headers }: Request, event: unknown): Partial<Request> {
  const { body, headers: signature } = signed(event);
  return { body, headers: { ...headers, ...signature } };
}
