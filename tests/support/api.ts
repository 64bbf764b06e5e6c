// A client for tests that holds every answer against the OpenAPI document: an undocumented status or shape fails the test.
import type { ValidateFunction } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import type { Server } from 'node:http';
import supertest, { type Response, type Test } from 'supertest';
import { API_BASE_PATH } from '../../shared/http/reply.ts';

type Media = Record<string, { schema?: object }>;
type Documented = { responses: Record<string, { content?: Media }> };
export type OpenApi = { paths?: Record<string, Record<string, Documented>>; components?: object };

export type Api = Record<'get' | 'post' | 'patch' | 'put' | 'delete' | 'head' | 'options', (path: string) => Test>;

/** Validates answers; shared by supertest and by tests that speak HTTP themselves. */
export type AnswerCheck = (
  method: string,
  path: string,
  answer: { status: number; type: string; body: unknown },
) => void;

export function createApi(server: Server, document: OpenApi): Api {
  const agent = supertest(server);
  const check = createAnswerCheck(document);
  const checked = (method: keyof Api) => (path: string) =>
    agent[method](path).expect((response: Response) => {
      const { status, type } = response;
      for (const body of bodiesOf(response)) check(method, path, { status, type, body });
    });
  return {
    get: checked('get'),
    post: checked('post'),
    patch: checked('patch'),
    put: checked('put'),
    delete: checked('delete'),
    head: (path) => agent.head(path),
    options: (path) => agent.options(path),
  };
}

/** A stream of lines is held against the schema of a line. */
function bodiesOf({ type, body, text }: Response): unknown[] {
  if (type === 'application/x-ndjson')
    return text
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as unknown);
  return [type.endsWith('json') ? body : text];
}

export function createAnswerCheck(document: OpenApi): AnswerCheck {
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  addFormats.default(ajv);
  ajv.addSchema({ $id: 'waybill', components: document.components });
  // Compiling takes milliseconds, a story asks hundreds of times.
  const compiled = new WeakMap<object, ValidateFunction>();
  const validate = (schema: object, body: unknown): string | null => {
    const check = compiled.get(schema) ?? ajv.compile(withRemoteReferences(schema));
    compiled.set(schema, check);
    return check(body) ? null : ajv.errorsText(check.errors);
  };
  return (method, path, { status, type, body }) => {
    const where = `${method.toUpperCase()} ${path} → ${status}`;
    const operation = findOperation(document, method, path.split('?', 1)[0] ?? path);
    if (operation === null) {
      if (status < 400) throw new Error(`${where}: succeeds, but is not documented`);
      return;
    }
    const documented = operation.responses[String(status)];
    if (status === 304) return;
    if (documented === undefined) throw new Error(`${where}: this status is not documented: ${JSON.stringify(body)}`);
    const schema = documented.content?.[type]?.schema;
    if (schema === undefined && (documented.content !== undefined || status !== 204))
      throw new Error(`${where}: ${type} is not documented`);
    const fault = schema === undefined ? null : validate(schema, body);
    if (fault !== null) throw new Error(`${where}: ${fault} in ${JSON.stringify(body)}`);
  };
}

const withRemoteReferences = (schema: object): object =>
  JSON.parse(JSON.stringify(schema).replaceAll('"#/components', '"waybill#/components')) as object;

function findOperation(document: OpenApi, method: string, path: string): Documented | null {
  if (!path.startsWith(API_BASE_PATH)) return method === 'get' ? operationsPages : null;
  const steps = path.slice(API_BASE_PATH.length).split('/');
  const fits = (pattern: string) => {
    const parts = pattern.split('/');
    return (
      parts.length === steps.length &&
      parts.every((part, i) => part === steps[i] || (part.startsWith('{') && steps[i] !== ''))
    );
  };
  const candidates = Object.keys(document.paths ?? {})
    .filter(fits)
    .toSorted((one, other) => Number(one.includes('{')) - Number(other.includes('{')));
  const pattern = candidates.find((candidate) => document.paths?.[candidate]?.[method] !== undefined);
  return pattern === undefined ? null : (document.paths?.[pattern]?.[method] ?? null);
}

/** Health, docs and their like have no entry in the document. */
const anything: { content?: Media } = { content: new Proxy({}, { get: () => ({ schema: {} }) }) };
const operationsPages: Documented = { responses: new Proxy({}, { get: () => anything }) };
