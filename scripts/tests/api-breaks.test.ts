// What counts as a break of the API, case by case, and what does not.
import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { breaksBetween, type Document, type Schema } from '../api-breaks.ts';

type Parts = {
  path?: string;
  operation?: object;
  parameters?: object[];
  body?: Schema;
  isBodyRequired?: boolean;
  answer?: Schema;
  responses?: object;
};

/** An API of one operation; what is not said is as it is in all. */
function api({
  path = '/orders',
  operation = {},
  parameters = [],
  body,
  isBodyRequired,
  answer,
  responses,
}: Parts): Document {
  const json = (schema: Schema = {}) => ({ content: { 'application/json': { schema } } });
  return {
    paths: {
      [path]: {
        post: {
          operationId: 'placeOrder',
          security: [],
          parameters,
          ...(body && { requestBody: { required: isBodyRequired ?? true, ...json(body) } }),
          responses: { 201: json(answer), ...responses },
          ...operation,
        },
      },
    },
    components: { schemas: { Money: object({ amount: { type: 'integer' } }) } },
  } as Document;
}

const object = (properties: Record<string, Schema>, required = Object.keys(properties)): Schema => ({
  type: 'object',
  properties,
  required,
  additionalProperties: false,
});
const text: Schema = { type: 'string' };
const query = (name: string, more: object = {}) => ({ in: 'query', name, schema: text, ...more });
const problem = (...codes: string[]) => ({
  422: { content: { 'application/problem+json': { schema: object({ code: { enum: codes } }) } } },
});

const breaking: [string, Parts, Parts, string][] = [
  ['an operation gone', {}, { path: '/carts' }, 'POST /orders is gone'],
  ['another name', {}, { operation: { operationId: 'order' } }, 'is called order now'],
  ['a login wanted', {}, { operation: { security: [{ token: [] }] } }, 'wants a login now'],
  ['a login that was optional', { operation: { security: [{}, { token: [] }] } }, { operation: { security: [{ token: [] }] } }, 'wants a login now'],
  ['a permission added', { operation: { security: [{ token: [] }] } }, { operation: { security: [{ token: [] }], 'x-permissions': ['a', 'b'] } }, 'wants a permission now: a or b'],
  ['one permission of two gone', { operation: { 'x-permissions': ['a', 'b'] } }, { operation: { 'x-permissions': ['b'] } }, 'the permission a suffices no more'],
  ['a parameter gone', { parameters: [query('status')] }, {}, 'query status is refused now'],
  ['a parameter required', { parameters: [query('status')] }, { parameters: [query('status', { required: true })] }, 'query status is required now'],
  ['a new parameter required', {}, { parameters: [query('status', { required: true })] }, 'query status is required now'],
  ['a parameter narrower', { parameters: [query('sku', { schema: { ...text, maxLength: 64 } })] }, { parameters: [query('sku', { schema: { ...text, maxLength: 32 } })] }, 'query sku is narrower: maxLength 64 → 32'],
  ['a body required', { body: object({}), isBodyRequired: false }, { body: object({}) }, 'the body is required now'],
  ['no body any more', { body: object({}) }, {}, 'the body is refused now'],
  ['a field required', { body: object({ note: text }, []) }, { body: object({ note: text }) }, 'body/note is required now'],
  ['a new field required', { body: object({}) }, { body: object({ note: text }) }, 'body/note is required now'],
  ['a field refused', { body: object({ note: text }) }, { body: object({}) }, 'body/note is refused now'],
  ['a field of another type', { body: object({ note: text }) }, { body: object({ note: { type: 'integer' } }) }, 'body/note was string, is integer'],
  ['null refused', { body: object({ note: { type: ['string', 'null'] } }) }, { body: object({ note: text }) }, 'body/note may be null no more'],
  ['null refused, told by anyOf', { body: object({ note: { anyOf: [text, { type: 'null' }] } }) }, { body: object({ note: text }) }, 'body/note may be null no more'],
  ['a value refused', { body: object({ kind: { ...text, enum: ['a', 'b'] } }) }, { body: object({ kind: { ...text, enum: ['a'] } }) }, 'body/kind may be "b" no more'],
  ['values listed', { body: object({ kind: text }) }, { body: object({ kind: { ...text, enum: ['a'] } }) }, 'body/kind must be one of ["a"] now'],
  ['a limit raised', { body: object({ n: { type: 'integer', minimum: 0 } }) }, { body: object({ n: { type: 'integer', minimum: 1 } }) }, 'body/n is narrower: minimum 0 → 1'],
  ['a limit new', { body: object({ n: { type: 'integer' } }) }, { body: object({ n: { type: 'integer', maximum: 9 } }) }, 'body/n is narrower: maximum unset → 9'],
  ['another pattern', { body: object({ s: { ...text, pattern: 'a' } }) }, { body: object({ s: { ...text, pattern: 'b' } }) }, 'body/s is narrower: pattern "a" → "b"'],
  ['deep in a list', { body: object({ lines: { type: 'array', items: object({ n: text }) } }) }, { body: object({ lines: { type: 'array', items: object({}) } }) }, 'body/lines/*/n is refused now'],
  ['an answered field gone', { answer: object({ a: text, b: text }) }, { answer: object({ a: text }) }, '201/b is gone'],
  ['an answered field that may be absent', { answer: object({ a: text }) }, { answer: object({ a: text }, []) }, '201/a may be absent now'],
  ['an answered field that may be null', { answer: object({ a: text }) }, { answer: object({ a: { type: ['string', 'null'] } }) }, '201/a may be null now'],
  ['an answered field of another type', { answer: object({ a: { type: 'integer' } }) }, { answer: object({ a: { type: 'number' } }) }, '201/a was integer, is number'],
  ['a field gone behind a name', { answer: object({ total: { $ref: '#/components/schemas/Money' } }) }, { answer: object({ total: object({}) }) }, '201/total/amount is gone'],
  ['a list of values given up', { answer: object({ a: { ...text, enum: ['x'] } }) }, { answer: object({ a: text }) }, '201/a is no longer one of ["x"]'],
  ['a status gone', { responses: { 202: {} } }, {}, 'answers 202 no more'],
  ['a code gone', { responses: problem('a', 'b') }, { responses: problem('a') }, '422 has no code b any more'],
  ['a header gone', { responses: { 204: { headers: { ETag: {} } } } }, { responses: { 204: {} } }, '204 has no header ETag any more'],
  ['a media type gone', { responses: { 200: { content: { 'text/csv': {} } } } }, { responses: { 200: {} } }, '200 is no longer text/csv'],
]; // prettier-ignore

describe('a break', () => {
  test.each(breaking)('%s', (_what, before, after, told) => {
    expect(breaksBetween(api(before), api(after))).toEqual([`placeOrder: ${told}`]);
  });
});

const harmless: [string, Parts, Parts][] = [
  ['nothing', {}, {}],
  ['a login no longer wanted', { operation: { security: [{ token: [] }], 'x-permissions': ['a'] } }, {}],
  ['one more permission that suffices', { operation: { 'x-permissions': ['a'] } }, { operation: { 'x-permissions': ['a', 'b'] } }],
  ['an optional parameter', {}, { parameters: [query('status')] }],
  ['an optional field', { body: object({}) }, { body: object({ note: text }, []) }],
  ['an optional body', {}, { body: object({}), isBodyRequired: false }],
  ['a field no longer required', { body: object({ note: text }) }, { body: object({ note: text }, []) }],
  ['null taken as well', { body: object({ note: text }) }, { body: object({ note: { type: ['string', 'null'] } }) }],
  ['any number taken', { body: object({ n: { type: 'integer' } }) }, { body: object({ n: { type: 'number' } }) }],
  ['one more value taken', { body: object({ kind: { enum: ['a'] } }) }, { body: object({ kind: { enum: ['a', 'b'] } }) }],
  ['any value taken', { body: object({ kind: { enum: ['a'] } }) }, { body: object({ kind: {} }) }],
  ['a limit widened', { body: object({ s: { ...text, maxLength: 9 } }) }, { body: object({ s: { ...text, maxLength: 10 } }) }],
  ['a limit taken away', { body: object({ s: { ...text, pattern: 'a' } }) }, { body: object({ s: text }) }],
  ['one more answered field', { answer: object({ a: text }) }, { answer: object({ a: text, b: text }) }],
  ['one more answered value', { answer: object({ a: { enum: ['x'] } }) }, { answer: object({ a: { enum: ['x', 'y'] } }) }],
  ['never null again', { answer: object({ a: { type: ['string', 'null'] } }) }, { answer: object({ a: text }) }],
  ['always there now', { answer: object({ a: text }, []) }, { answer: object({ a: text }) }],
  ['a tighter answer', { answer: object({ a: text }) }, { answer: object({ a: { ...text, maxLength: 5 } }) }],
  ['a type written out under a name', { answer: object({ m: { $ref: '#/components/schemas/Money' } }) }, { answer: object({ m: object({ amount: { type: 'integer' } }) }) }],
  ['one more code', { responses: problem('a') }, { responses: problem('a', 'b') }],
  ['one more status', {}, { responses: { 202: {} } }],
]; // prettier-ignore

describe('no break', () => {
  test.each(harmless)('%s', (_what, before, after) => expect(breaksBetween(api(before), api(after))).toEqual([]));

  test('a new operation', () => {
    const [one, other] = [api({}), api({ path: '/carts' })];
    expect(breaksBetween(one, { ...one, paths: { ...one.paths, ...other.paths } })).toEqual([]);
  });

  test('the document of today, against itself', async () => {
    const today = JSON.parse(await readFile('openapi.json', 'utf8')) as Document;
    expect(breaksBetween(today, structuredClone(today))).toEqual([]);
  });
});
