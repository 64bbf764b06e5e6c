// From a schema of the document: every field in it, a value that fits, and values that do not.
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import type { Parameter, Schema } from './operations.ts';

/** `parent` is the pointer of the object or list that it is in. */
export type Field = { pointer: string; name: string; parent: string; schema: Schema; isRequired: boolean };

const ajv = new Ajv2020({ strict: false });
addFormats.default(ajv);

export const fits = (schema: Schema, value: unknown): boolean => ajv.validate(schema, value);

export function fieldsOf(schema: Schema, pointer = ''): Field[] {
  const properties = Object.entries(schema.properties ?? {}).flatMap(([name, one]) => {
    const isRequired = schema.required?.includes(name) ?? false;
    const field = { pointer: `${pointer}/${name}`, name, parent: pointer, schema: one, isRequired };
    return [field, ...fieldsOf(one, field.pointer)];
  });
  return [...properties, ...(schema.items === undefined ? [] : fieldsOf(schema.items, `${pointer}/0`))];
}

/** The objects in it, by pointer: where a field too many could stand. */
export const objectsOf = (schema: Schema): string[] =>
  ['', ...fieldsOf(schema).map(({ parent }) => parent)].filter((one, i, all) => all.indexOf(one) === i);

/** The example with all that it leaves out, so that every field can be spoiled. */
export function complete(schema: Schema, example: unknown): unknown {
  if (example === undefined) return sampleOf(schema);
  if (Array.isArray(example) && schema.items !== undefined)
    return example.map((one) => complete(schema.items ?? {}, one));
  if (typeof example !== 'object' || example === null) return example;
  const given = example as Record<string, unknown>;
  return {
    ...given,
    ...Object.fromEntries(
      Object.entries(schema.properties ?? {}).map(([name, one]) => [name, complete(one, given[name])]),
    ),
  };
}

const samples = ['x', 'DE', '2026-11-21T10:00:00Z', '01939d3a-7c1e-7b1a-8f00-000000000001', true, 1];

function sampleOf(schema: Schema): unknown {
  if (schema.examples !== undefined) return schema.examples[0];
  if (schema.enum !== undefined) return schema.enum[0];
  if (schema.anyOf !== undefined) return sampleOf(schema.anyOf[0] ?? {});
  if (schema.properties !== undefined) return complete(schema, {});
  if (schema.items !== undefined) return [sampleOf(schema.items)];
  const sample = samples.find((one) => fits(schema, one));
  if (sample === undefined) throw new Error(`no sample fits ${JSON.stringify(schema)}`);
  return sample;
}

const values: unknown[] = [
  null,
  true,
  0,
  -1,
  1.5,
  2 ** 31,
  2 ** 53,
  1e21,
  -1e21,
  '',
  'x',
  '1',
  'NaN',
  'x'.repeat(8000),
  '2026-02-30T10:00:00Z',
  '01939d3a-7c1e-4b1a-8f00-000000000001',
  [],
  ['x'],
  [null],
  {},
  { toString: 'x' },
];
/** Never text, whatever the schema says: PostgreSQL refuses NUL, and a lone surrogate cannot be written as UTF-8. */
const brokenText = ['a\0b', '\0', 'a\ud800', '\udc00b'];
const wrongCurrencies = ['eur', 'XXX', 'BTC', 'EU'];

export const badValuesFor = ({ name, schema }: Field): unknown[] => [
  ...[...values, ...tooLong(schema), ...tooMany(schema)].filter((value) => !fits(schema, value)),
  ...(takesText(schema) ? brokenText : []),
  ...(name === 'currency' ? wrongCurrencies : []),
];

const takesText = (schema: Schema): boolean => schema.type === 'string' || (schema.anyOf ?? []).some(takesText);

const tooLong = (schema: Schema): string[] =>
  [schema, ...(schema.anyOf ?? [])].flatMap(({ maxLength }) =>
    maxLength === undefined ? [] : ['x'.repeat(maxLength + 1)],
  );

const tooMany = (schema: Schema): unknown[][] =>
  typeof schema['maxItems'] === 'number'
    ? [Array.from({ length: schema['maxItems'] + 1 }, () => sampleOf(schema.items ?? {}))]
    : [];

/** As they stand in a URL. */
const texts = [
  '',
  'x',
  ' 1',
  '0',
  '101',
  '-1',
  '1.5',
  '1e1',
  '1e21',
  '0x10',
  'NaN',
  'null',
  '9007199254740993',
  'x'.repeat(600),
  'yesterday',
  '2026-02-30T10:00:00Z',
];

const wrongCursors = [
  'x',
  '%%%',
  '[]',
  '{}',
  '[1]',
  '[null]',
  '["x","y","z"]',
  `["${'x'.repeat(65)}"]`,
  '["\\u0000"]',
].map((text) => Buffer.from(text).toString('base64url'));

export const badTextsFor = ({ name, schema }: Parameter): string[] => [
  ...texts.filter((text) => !fitsAsText(schema, text)).map(encodeURIComponent),
  '%00',
  'a%00b',
  ...(name === 'cursor' ? wrongCursors : []),
];

function fitsAsText(schema: Schema, text: string): boolean {
  return schema.type === 'integer'
    ? /^\d+$/.test(text) && fits({ ...schema, pattern: undefined }, Number(text))
    : fits(schema, text);
}

export const badIds = [
  '1',
  'abc',
  '-1',
  '1e21',
  'null',
  '01939d3a-7c1e-4b1a-8f00-000000000001',
  '01939d3a-7c1e-7b1a-8f00-00000000000g',
  'x'.repeat(300),
  "'%20OR%20'1'='1",
  '%00',
  'a%00b',
  '__proto__',
  '%F0%9F%92%A9',
];
