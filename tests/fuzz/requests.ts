// Requests at random: valid ones by the document around a good example, and spoiled ones made of those.
import fc, { type Arbitrary } from 'fast-check';
import { validateHeaderValue } from 'node:http';
import { fieldsOf, fits } from '../support/bad-values.ts';
import type { Operation, Parameter, Request, Schema } from '../support/operations.ts';
import { valuesOf } from './valid-values.ts';

const MISSING = '01939d3a-7c1e-7b1a-8f00-0000000000ff';
const uuid = /[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f-]{3}-[0-9a-f-]{17}/;

/** What turns a good request into another that is as good: drawn once, for whatever example comes. */
export type Variation = (good: Request) => Request;

export function validVariations(operation: Operation): Arbitrary<Variation> {
  const { body, isRaw } = operation;
  return fc
    .record({
      own: body === null || isRaw ? fc.constant(undefined) : valuesOf(body),
      keeps: fc.infiniteStream(fc.boolean()),
      isMissing: fc.integer({ min: 0, max: 9 }).map((die) => die === 0),
      query: queriesOf(operation),
      headers: headersOf(operation),
    })
    .map(({ own, keeps, isMissing, query, headers }) => (good) => ({
      ...good,
      path: isMissing ? good.path.replace(uuid, MISSING) : good.path,
      query,
      headers: { ...good.headers, ...headers },
      body: body === null || isRaw ? good.body : mixed(body, good.body, own, () => keeps.next().value ?? true),
    }));
}

/** Two that fit may fit no more when they are mixed. */
function mixed(schema: Schema, good: unknown, own: unknown, keeps: () => boolean): unknown {
  const body = blend(schema, good, own, keeps);
  return body === undefined || fits(schema, body) ? body : good;
}

/** Each field from the example or from chance, so that most requests are good enough to be carried out. */
function blend(schema: Schema, good: unknown, own: unknown, keeps: () => boolean): unknown {
  if (good === undefined) return keeps() ? undefined : own;
  if (!isObject(good) || !isObject(own)) return keeps() ? good : own;
  const isRequired = (name: string) => schema.required?.includes(name) ?? false;
  const names = [...new Set([...Object.keys(good), ...Object.keys(own)])];
  return Object.fromEntries(
    names.flatMap((name) => {
      const one = schema.properties?.[name] ?? {};
      if (name in good && name in own) return [[name, blend(one, good[name], own[name], keeps)]];
      return isRequired(name) || keeps() ? [[name, good[name] ?? own[name]]] : [];
    }),
  );
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const queriesOf = ({ parameters }: Operation): Arbitrary<string> =>
  fc.tuple(...parameters.filter((one) => one.in === 'query').map(sometimes)).map((pairs) => {
    const given = pairs.filter((pair) => pair !== null);
    return given.length === 0 ? '' : `?${given.map(([name, value]) => `${name}=${encoded(value)}`).join('&')}`;
  });

function sometimes({ name, schema, required }: Parameter): Arbitrary<[string, string] | null> {
  const given = valuesOf(schema).map((value): [string, string] => [name, String(value)]);
  return required === true ? given : fc.option(given, { freq: 2 });
}

/** Lone surrogates cannot be written in a URL, so their bytes are. */
export const encoded = (text: string): string =>
  text.isWellFormed() ? encodeURIComponent(text) : `${encodeURIComponent(text.toWellFormed())}%ED%A0%80`;

/** Those that the document asks for fit it; those that any client may send are anything. */
function headersOf({ parameters }: Operation): Arbitrary<Record<string, string>> {
  const asked = parameters
    .filter((one) => one.in === 'header' && one.name === 'Idempotency-Key')
    .map(({ name, schema }) => [name, valuesOf(schema) as Arbitrary<string>] as const);
  const free = {
    'X-Request-Id': headerTexts,
    Accept: fc.constantFrom('*/*', 'application/json', 'text/html', 'application/problem+json;q=0.1', 'x', ''),
    'If-None-Match': fc.constantFrom('*', '"1"', 'W/"1"', 'x', '"1", "2"'),
    'Accept-Language': headerTexts,
    traceparent: fc.constantFrom('00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', 'x'),
  };
  return fc.record({ ...Object.fromEntries(asked), ...free }, { requiredKeys: [] });
}

const isSendable = (text: string): boolean => {
  try {
    validateHeaderValue('X', text);
    return true;
  } catch {
    return false;
  }
};

const headerTexts = fc.string({ unit: 'binary', maxLength: 20 }).filter(isSendable);

const TEXTS = [
  '',
  ' ',
  'a\0b',
  '\0',
  '\ud800',
  'x\udc00',
  '\u2028',
  '\u202eabc',
  '😀'.repeat(200),
  '👩‍👩‍👧',
  '\ufeff',
  'é',
  'x'.repeat(9000),
  '__proto__',
  'constructor',
  'toString',
  "' OR 1=1 --",
  '$1',
  '%s%n',
  '{{7*7}}',
  '<script>',
  '../../etc/passwd',
  '\r\nX: 1',
  '1',
  'true',
  'null',
  'NaN',
  'Infinity',
  '-0',
  '1e21',
  '2026-02-30T10:00:00Z',
  '0000-01-01T00:00:00Z',
  '+275760-09-13T00:00:00Z',
  '2016-12-31T23:59:60Z',
  MISSING,
  MISSING.toUpperCase(),
  'ada@example.com\n',
  'EUR',
  'XXX',
];
const NUMBERS = [
  0,
  -0,
  -1,
  1.5,
  1e21,
  -1e21,
  5e-324,
  2 ** 31 - 1,
  2 ** 31,
  -(2 ** 31) - 1,
  2 ** 53,
  2 ** 53 - 1,
  2 ** 63,
  1e308,
];
const OTHERS: unknown[] = [
  null,
  true,
  false,
  [],
  {},
  [null],
  [[]],
  [{}],
  { toString: 'x' },
  { length: 1e9 },
  { $gt: '' },
];

/** Stands for bytes that JSON.stringify would not write. */
const raw = (text: string): string => `@@${text}@@`;
const RAW = [
  '1e400',
  '-1e400',
  '1.0',
  '1E0',
  '01',
  '0x1',
  'undefined',
  "'x'",
  '"\\u0000"',
  '"\\ud800"',
  '"\\u"',
  '{"a":1,"a":2}',
  '{"__proto__":{"x":1}}',
];
const deep = (depth: number): string => raw('['.repeat(depth) + ']'.repeat(depth));

const nasty: Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(...TEXTS),
  fc.constantFrom<unknown>(...NUMBERS),
  fc.constantFrom<unknown>(...OTHERS),
  fc.constantFrom(...RAW.map(raw), deep(31), deep(33), deep(3000)),
  fc.string({ unit: 'binary', maxLength: 30 }),
  fc.jsonValue({ maxDepth: 3 }),
);

const nastyTexts = fc.oneof(
  fc.constantFrom(...TEXTS),
  fc.string({ unit: 'binary', maxLength: 30 }),
  fc.constantFrom(...NUMBERS.map(String)),
);

export function spoilings(operation: Operation): Arbitrary<Variation> {
  return fc
    .array(fc.oneof(...mutationsOf(operation)), { minLength: 1, maxLength: 3 })
    .map((mutations) => (good) => mutations.reduce((request, mutate) => mutate(request), good));
}

function mutationsOf(operation: Operation): Arbitrary<Variation>[] {
  const inBody = operation.body === null || operation.isRaw ? [] : [...fieldMutations(operation.body), bodyMutations];
  const inPath = operation.path.includes('{') ? [pathMutations] : [];
  return [...inBody, ...inPath, queryMutations(operation), headerMutations];
}

function fieldMutations(schema: Schema): Arbitrary<Variation>[] {
  const pointers = ['', ...fieldsOf(schema).map(({ pointer }) => pointer)];
  const places = fc.constantFrom(...pointers);
  const strangers = fc.oneof(
    fc.constantFrom('__proto__', 'constructor', 'id', 'version', 'status', '', 'a/b~c', '\ud800'),
    fc.string(),
  );
  return [
    fc.tuple(places, nasty).map(([pointer, value]) => inJson((body) => withValue(body, pointer, value))),
    places.map((pointer) => inJson((body) => withValue(body, pointer, undefined))),
    fc
      .tuple(strangers, nasty)
      .map(([name, value]) => inJson((body) => withValue(body, `/${name.replaceAll('/', '')}`, value))),
    fc
      .tuple(fc.constantFrom(...pointers.map((one) => one.split('/').at(-1) ?? '')), nasty)
      .map(([name, value]) => inText((text) => text.replace('{', () => `{${JSON.stringify(name)}:${written(value)},`))),
  ];
}

const inJson =
  (change: (body: unknown) => unknown): Variation =>
  (request) =>
    typeof request.body === 'string' || Buffer.isBuffer(request.body)
      ? request
      : { ...request, body: change(structuredClone(request.body)) };

const inText =
  (change: (text: string) => string): Variation =>
  (request) =>
    Buffer.isBuffer(request.body) ? request : { ...request, body: change(bytesOf(request.body) ?? '{}') };

/** As far as the place is there; `undefined` takes out what is. */
function withValue(body: unknown, pointer: string, value: unknown): unknown {
  const steps = pointer.split('/').slice(1);
  const last = steps.pop();
  if (last === undefined) return value;
  let place = body;
  for (const step of steps) place = isContainer(place) ? place[step] : undefined;
  if (!isContainer(place)) return body;
  if (value === undefined) delete place[last];
  else Object.defineProperty(place, last, { value, enumerable: true, configurable: true, writable: true });
  return body;
}

const isContainer = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

/** What goes over the wire. */
export function bytesOf(body: unknown): string | undefined {
  return body === undefined || typeof body === 'string' ? body : written(body);
}

const written = (value: unknown): string =>
  (JSON.stringify(value) ?? 'undefined').replaceAll(
    /"@@(.*?)@@"/g,
    (_, text: string) => JSON.parse(`"${text}"`) as string,
  );

const bodyMutations: Arbitrary<Variation> = fc.oneof(
  fc.nat(60).map((at) => inText((text) => text.slice(0, at))),
  fc
    .tuple(fc.nat(60), fc.constantFrom(',', '"', '{', ']', '\0', '\x01', '\ufeff', '\\', '/**/'))
    .map(([at, text]) => inText((all) => all.slice(0, at) + text + all.slice(at))),
  fc
    .constantFrom('', ' ', 'null', '[]', '""', '0', '{}', '\ufeff{}', '['.repeat(7000))
    .map((text) => inText(() => text)),
  fc
    .tuple(fc.nat(60), fc.constantFrom([0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf5, 0x80]))
    .map(([at, bytes]): Variation => (request) => {
      const whole = Buffer.from(Buffer.isBuffer(request.body) ? request.body : (bytesOf(request.body) ?? '{}'));
      return { ...request, body: Buffer.concat([whole.subarray(0, at), Buffer.from(bytes), whole.subarray(at)]) };
    }),
);

const pathMutations: Arbitrary<Variation> = fc
  .oneof(
    nastyTexts.map(encoded),
    fc.constantFrom('%', '%00', '%zz', '%ED%A0%80', '%2e%2e', '%2F', '..%2f..', ';x', '%F0%9F%92%A9'),
  )
  .map((id) => (request) => ({ ...request, path: request.path.replace(uuid, () => id || '%20') }));

function queryMutations({ parameters }: Operation): Arbitrary<Variation> {
  const names = parameters.filter((one) => one.in === 'query').map(({ name }) => name);
  const name = fc.oneof(fc.constantFrom(...names, 'limit', '__proto__', 'limit[]', 'x'), nastyTexts.map(encoded));
  return fc
    .tuple(name, fc.oneof(nastyTexts.map(encoded), fc.constantFrom('%', '%00', '%zz', '1&limit=2')))
    .map(([one, value]): Variation => (request) => ({
      ...request,
      query: `${request.query === '' ? '?' : `${request.query}&`}${one}=${value}`,
    }));
}

const headerMutations: Arbitrary<Variation> = fc
  .tuple(
    fc.constantFrom(
      'Idempotency-Key',
      'If-Match',
      'If-None-Match',
      'X-Request-Id',
      'Accept',
      'Accept-Encoding',
      'Content-Type',
      'Content-Encoding',
      'Authorization',
      'Origin',
      'Cookie',
      'Range',
      'traceparent',
      'X-Forwarded-For',
      'Waybill-Test-Signature',
    ),
    fc.oneof(
      nastyTexts.filter(isSendable),
      fc.constantFrom(
        '"1"',
        '"0"',
        '"999999999"',
        '*',
        'W/"1"',
        'gzip',
        'application/json;charset=latin1',
        'text/csv',
        'Bearer x',
        'https://evil.example',
        't=1,v1=00',
      ),
    ),
  )
  .map(([name, value]) => (request) => ({ ...request, headers: { ...request.headers, [name]: value } }));
