// The source of the typed client's `api.ts`, made from the OpenAPI document: a type per schema, a row per operation.

export type Schema = {
  $ref?: string;
  type?: string | string[];
  description?: string;
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: boolean | Schema;
  items?: Schema;
  anyOf?: Schema[];
  oneOf?: Schema[];
  allOf?: Schema[];
  enum?: unknown[];
  const?: unknown;
};
type Content = Record<string, { schema?: Schema }>;
type Parameter = { in: string; name: string; required?: boolean; description?: string; schema: Schema };
type Operation = {
  operationId: string;
  summary: string;
  security: object[];
  parameters?: Parameter[];
  requestBody?: { required?: boolean; content: Content };
  responses: Record<string, { content?: Content }>;
};
export type Document = {
  servers: { url: string }[];
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema> };
};

const JSON_TYPE = 'application/json';
const PROBLEM_TYPE = 'application/problem+json';

export function clientSource({ servers, paths, components }: Document): string {
  const rows = Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]) => ({ method, path, operation })),
  );
  const schemas = Object.entries(components.schemas).map(
    ([name, schema]) => `${comment(schema.description)}export type ${name} = ${typeOf(schema)};\n`,
  );
  const codes = [...new Set(rows.flatMap(({ operation }) => codesOf(operation)))].toSorted();
  return `${[
    '// Generated from openapi.json by `npm run client`: what goes in and comes out. Not to be edited.',
    `export const basePath = ${quoted(servers[0]?.url ?? '')};\n`,
    ...schemas,
    `/** Every code that a problem of the API may carry. */\nexport type ProblemCode =${codes.map((code) => `\n  | ${quoted(code)}`).join('')};\n`,
    `/** What each operation takes, and what it answers. */\nexport type Operations = {\n${rows.map(({ operation }) => typesOf(operation)).join('')}};\n`,
    `/** How each operation is asked for. */\nexport const operations = {\n${rows.map(shapeOf).join('')}} as const;`,
  ].join('\n')}\n`;
}

function typesOf(operation: Operation): string {
  const { operationId, summary, parameters = [], requestBody } = operation;
  const body = requestBody?.content[JSON_TYPE]?.schema;
  const others = streamsOf(operation);
  const fields = [
    parametersType(
      'params',
      parameters.filter((one) => one.in === 'path'),
    ),
    parametersType(
      'query',
      parameters.filter((one) => one.in === 'query'),
    ),
    body && `body${requestBody?.required ? '' : '?'}: ${typeOf(body, '      ')};`,
    others.length > 0 && `accept: ${others.map(quoted).join(' | ')};`,
    takesHeader(operation, 'Idempotency-Key') && 'idempotencyKey?: string;',
    takesHeader(operation, 'If-Match') && 'ifMatch: string;',
  ].filter((field) => typeof field === 'string');
  const input = fields.length === 0 ? '{}' : `{\n${fields.map((field) => `      ${field}\n`).join('')}    }`;
  return `${comment(summary, '  ')}  ${operationId}: {\n    input: ${input};\n    answer: ${answersOf(operation).join(' | ')};\n    code: ${codesOf(operation).map(quoted).join(' | ')};\n  };\n`; // prettier-ignore
}

function parametersType(name: string, parameters: Parameter[]): string | false {
  if (parameters.length === 0) return false;
  const isNeeded = parameters.some(({ required }) => required);
  const schema: Schema = {
    type: 'object',
    properties: Object.fromEntries(
      parameters.map((one) => [one.name, { ...one.schema, ...(one.description && { description: one.description }) }]),
    ),
    required: parameters.filter(({ required }) => required).map((one) => one.name),
  };
  return `${name}${isNeeded ? '' : '?'}: ${typeOf(schema, '      ')};`;
}

function takesHeader({ operationId, parameters = [] }: Operation, name: string): boolean {
  const headers = parameters.filter((one) => one.in === 'header').map((one) => one.name);
  const unknown = headers.filter((header) => header !== 'Idempotency-Key' && header !== 'If-Match');
  if (unknown.length > 0) throw new Error(`${operationId}: the client does not know the header ${unknown.join(', ')}`);
  return headers.includes(name);
}

const successes = ({ responses }: Operation) => Object.entries(responses).filter(([status]) => status.startsWith('2'));

/** The content types of answers that are not JSON: they are handed on as they flow. */
const streamsOf = (operation: Operation): string[] => [
  ...new Set(successes(operation).flatMap(([, { content = {} }]) => Object.keys(content).filter((type) => type !== JSON_TYPE))),
]; // prettier-ignore

const answersOf = (operation: Operation): string[] =>
  successes(operation).map(([status, { content = {} }]) => {
    const schema = content[JSON_TYPE]?.schema;
    if (schema !== undefined) return typeOf(withStatus(Number(status), schema), '    ');
    return Object.keys(content).length > 0
      ? `{ status: ${status}; stream: ReadableStream<Uint8Array> }`
      : `{ status: ${status} }`;
  });

const withStatus = (status: number, schema: Schema): Schema => ({
  ...schema,
  properties: { status: { const: status }, ...schema.properties },
  required: ['status', ...(schema.required ?? [])],
});

const codesOf = ({ responses }: Operation): string[] => [
  ...new Set(Object.values(responses).flatMap(({ content }) => (content?.[PROBLEM_TYPE]?.schema?.properties?.['code']?.enum ?? []) as string[])),
]; // prettier-ignore

function shapeOf({ method, path, operation }: { method: string; path: string; operation: Operation }): string {
  const isList = successes(operation).some(([, { content }]) => content?.[JSON_TYPE]?.schema?.properties?.['page']);
  const facts = {
    isPublic: operation.security.length === 0,
    isIdempotent: takesHeader(operation, 'Idempotency-Key'),
    isList,
  };
  const flags = Object.entries(facts).map(([name, value]) => `${name}: ${value}`);
  return `  ${operation.operationId}: { method: ${quoted(method.toUpperCase())}, path: ${quoted(path)}, ${flags.join(', ')} },\n`;
}

function typeOf(schema: Schema, indent = ''): string {
  const { $ref, anyOf, oneOf, allOf, type } = schema;
  if ($ref !== undefined) return $ref.replace('#/components/schemas/', '');
  if ('const' in schema) return quoted(schema.const);
  if (schema.enum !== undefined) return schema.enum.map(quoted).join(' | ');
  const alternatives = anyOf ?? oneOf;
  if (alternatives !== undefined) return joined(alternatives, ' | ', indent);
  if (allOf !== undefined) return joined(allOf, ' & ', indent);
  if (Array.isArray(type)) return joined(type.map((one) => ({ ...schema, type: one })), ' | ', indent); // prettier-ignore
  return primitives[type ?? ''] ?? (type === 'array' ? arrayOf(schema, indent) : objectOf(schema, indent));
}

const primitives: Record<string, string> = {
  string: 'string',
  integer: 'number',
  number: 'number',
  boolean: 'boolean',
  null: 'null',
  '': 'unknown',
};

const joined = (schemas: Schema[], by: string, indent: string): string =>
  [...new Set(schemas.map((one) => typeOf(one, indent)))].join(by);

const arrayOf = ({ items = {} }: Schema, indent: string): string => `Array<${typeOf(items, indent)}>`;

function objectOf({ properties = {}, required = [], additionalProperties: rest }: Schema, indent: string): string {
  const inner = `${indent}  `;
  const named = Object.entries(properties).map(([name, schema]) => {
    const key = /^[A-Za-z_]\w*$/.test(name) ? name : quoted(name);
    return `${comment(schema.description, inner)}${inner}${key}${required.includes(name) ? '' : '?'}: ${typeOf(schema, inner)};\n`;
  });
  const isOpen = typeof rest === 'object' || rest === true;
  if (named.length === 0) return isOpen ? `Record<string, ${typeOf(rest === true ? {} : rest, inner)}>` : 'Record<string, never>'; // prettier-ignore
  return `{\n${named.join('')}${isOpen ? `${inner}[name: string]: unknown;\n` : ''}${indent}}`;
}

const quoted = (value: unknown): string =>
  typeof value === 'string' ? `'${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'` : JSON.stringify(value);

const comment = (text: string | undefined, indent = ''): string =>
  text === undefined ? '' : `${indent}/** ${text.replaceAll('*/', '*\\/')} */\n`;
