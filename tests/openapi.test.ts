// Every example in the OpenAPI document is a request that the server would read: by the document's schema, and by the parser itself.
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { describe, expect, test } from 'vitest';
import type { z } from 'zod';
import { listModules, openApiOf } from '../app.ts';
import type { Route } from '../shared/http/route.ts';
import { modulesAtRest } from './support/modules-at-rest.ts';
import { operationsOf, type Operation, type Schema } from './support/operations.ts';

const modules = modulesAtRest();
const routes = new Map(listModules(modules).flatMap((one) => one.routes.map((route) => [route.operation.operationId, route]))); // prettier-ignore
const operations = operationsOf(openApiOf(modules, '0.0.0-test'));

const ajv = new Ajv2020({ allErrors: true, strict: false });
addFormats.default(ajv);

/** Where, and what is wrong with it; nothing when all is well. */
const faultsOf = ({ parameters, body }: Operation): string[] => [
  ...parameters.flatMap(({ in: place, name, schema }) => faultsIn(`${place} ${name}`, schema)),
  ...(body === null ? [] : faultsIn('body', body)),
];

function faultsIn(place: string, schema: Schema): string[] {
  const { examples = [] } = schema;
  if (examples.length === 0) return [`${place} has no example`];
  return examples
    .filter((one) => !ajv.validate(schema, one))
    .map((one) => `${place}: ${JSON.stringify(one)} is not valid`);
}

describe('the examples are valid by the document', () => {
  test.each(operations)('$id', (operation) => expect(faultsOf(operation)).toEqual([]));

  test('one that is not would be told', () => {
    const body: Schema = { type: 'object', properties: { quantity: { type: 'integer' } }, additionalProperties: false };
    const faults = (examples: unknown[]) => faultsIn('body', { ...body, examples });
    expect(faults([{ quantity: 1 }])).toEqual([]);
    expect(faults([{ quantity: '1' }, { qty: 1 }])).toHaveLength(2);
    expect(faults([])).toEqual(['body has no example']);
  });
});

describe('the server reads them', () => {
  test.each(operations)('$id', (operation) => {
    const { body, query, params } = (routes.get(operation.id) as Route).operation;
    const read = (schema: z.ZodType | undefined, examples: unknown[]) =>
      examples.map((one) => schema?.safeParse(one).error?.issues ?? []).filter((issues) => issues.length > 0);
    expect(read(body, operation.body?.examples ?? [])).toEqual([]);
    expect(read(query, [firstExamples(operation, 'query')])).toEqual([]);
    expect(read(params, [firstExamples(operation, 'path')])).toEqual([]);
  });
});

/** As they stand in a URL: text. */
const firstExamples = ({ parameters }: Operation, place: string): Record<string, string> =>
  Object.fromEntries(
    parameters.filter((one) => one.in === place).map(({ name, schema }) => [name, String(schema.examples?.[0])]),
  );
