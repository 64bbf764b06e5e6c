// From a JSON Schema of the document: values that fit it, the nasty ones among them first.
import fc, { type Arbitrary } from 'fast-check';
import { fits } from '../support/bad-values.ts';
import type { Schema } from '../support/operations.ts';

/** A keyword that is not here would be ignored, and values made that do not fit: better to stop and learn it. */
const known = new Set(
  `type properties required additionalProperties items anyOf oneOf enum const format pattern minLength maxLength minItems maxItems
   uniqueItems minProperties dependentRequired minimum maximum exclusiveMinimum exclusiveMaximum not default description examples title id deprecated`.split(
    /\s+/,
  ),
);

export function valuesOf(schema: Schema): Arbitrary<unknown> {
  const strange = Object.keys(schema).filter((keyword) => !known.has(keyword) && !keyword.startsWith('x-'));
  if (strange.length > 0) throw new Error(`teach tests/fuzz/valid-values.ts the keyword ${strange.join(', ')}`);
  return ofKind(schema).filter((value) => fits(schema, value));
}

function ofKind(schema: Schema): Arbitrary<unknown> {
  const branches = schema.anyOf ?? (schema['oneOf'] as Schema[] | undefined);
  if (branches !== undefined) return fc.oneof(...branches.map(valuesOf));
  if (schema['const'] !== undefined) return fc.constant(schema['const']);
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  const { type } = schema as { type?: string | string[] };
  if (Array.isArray(type)) return fc.oneof(...type.map((one) => valuesOf({ ...schema, type: one })));
  return ofType(type, schema);
}

function ofType(type: string | undefined, schema: Schema): Arbitrary<unknown> {
  return byType[type ?? '']?.(schema) ?? fc.jsonValue({ maxDepth: 2 });
}

const byType: Record<string, ((schema: Schema) => Arbitrary<unknown>) | undefined> = {
  object: (schema) => objectsOf(schema),
  array: (schema) => listsOf(schema),
  string: (schema) => textsOf(schema),
  integer: (schema) => fc.integer({ min: least(schema), max: greatest(schema) }),
  number: (schema) => fc.double({ min: least(schema), max: greatest(schema), noNaN: true }),
  boolean: () => fc.boolean(),
  null: () => fc.constant(null),
};

const least = (schema: Schema): number => (schema['minimum'] as number | undefined) ?? -Number.MAX_SAFE_INTEGER;
const greatest = (schema: Schema): number => (schema['maximum'] as number | undefined) ?? Number.MAX_SAFE_INTEGER;

function objectsOf({ properties = {}, required = [] }: Schema): Arbitrary<unknown> {
  const model = Object.fromEntries(Object.entries(properties).map(([name, one]) => [name, valuesOf(one)]));
  return fc.record(model, { requiredKeys: required, noNullPrototype: true });
}

function listsOf({ items = {}, ...schema }: Schema): Arbitrary<unknown> {
  const minLength = (schema['minItems'] as number | undefined) ?? 0;
  const maxLength = Math.min((schema['maxItems'] as number | undefined) ?? 5, Math.max(5, minLength));
  return fc.array(valuesOf(items), { minLength, maxLength });
}

function textsOf(schema: Schema): Arbitrary<string> {
  const format = formats[String(schema['format'])];
  if (format !== undefined) return format;
  const pattern = schema['pattern'] as string | undefined;
  if (pattern === undefined || isWithinText(pattern)) return freeTexts(schema);
  return fc.stringMatching(new RegExp(pattern, 'u'));
}

/** Asks for one character somewhere: free text has it nearly always. */
const isWithinText = (pattern: string): boolean => pattern === String.raw`\S`;

const formats: Record<string, Arbitrary<string> | undefined> = {
  uuid: fc.uuid({ version: 7 }),
  email: fc.emailAddress({ size: 'small' }),
  'date-time': fc
    .tuple(
      fc.date({ min: new Date('0001-01-02T00:00:00Z'), max: new Date('9999-12-30T00:00:00Z'), noInvalidDate: true }),
      fc.constantFrom('Z', '.5Z', '.123456789Z', '+14:00', '-12:00', '+00:00'),
    )
    .map(([date, zone]) => `${date.toISOString().slice(0, 19)}${zone}`),
  uri: fc.webUrl(),
};

/** Written from right to left, joined, invisible, breaking lines or HTML, taking two UTF-16 units: all of it text. */
const NASTY = [
  '😀',
  '👩‍👩‍👧',
  'א',
  '\u202e',
  '\u2028',
  '\u2029',
  '\u200b',
  '\ufeff',
  '\ufffd',
  '\uffff',
  'é',
  'e\u0301',
  'ß',
  'İ',
  '\u{10ffff}',
  '\n',
  '\t',
  '\x01',
  '\x7f',
  '\x9b',
  ' ',
  '\u00a0',
  '"',
  "'",
  '\\',
  '<',
  '&',
  '%',
  '$',
  '{',
  '=',
  '+',
  '@',
  '0',
];

const character = fc.oneof(
  fc.constantFrom(...NASTY),
  fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCodePoint(code)),
  fc
    .integer({ min: 1, max: 0x10_ffff })
    .map((code) => (code >= 0xd800 && code <= 0xdfff ? '?' : String.fromCodePoint(code))),
);

/** JSON Schema counts code points: as many of them as may be, of which each takes two UTF-16 units. */
function freeTexts({ minLength = 0, maxLength = 300 }: Schema & { minLength?: number }): Arbitrary<string> {
  const some = fc
    .array(character, { minLength, maxLength: Math.min(maxLength, 40) })
    .map((characters) => Array.from(characters.join('')).slice(0, maxLength).join(''));
  const longest = fc.constantFrom('😀', 'x', 'é').map((one) => one.repeat(maxLength));
  const shortest = fc.constantFrom('😀', 'x').map((one) => one.repeat(Math.max(minLength, 1)));
  return fc.oneof(
    { weight: 6, arbitrary: some },
    { weight: 1, arbitrary: longest },
    { weight: 1, arbitrary: shortest },
  );
}
