// OpenAPI 3.1 from the routes themselves: what a document says is what the server checks.
import { z } from 'zod';
import {
  createDocument,
  type ZodOpenApiOperationObject,
  type ZodOpenApiParameters,
  type ZodOpenApiResponsesObject,
} from 'zod-openapi';
import { API_BASE_PATH } from './reply.ts';
import type { Access, Operation, Route } from './route.ts';
import { PROBLEM_TYPE } from './problem.ts';

export type Tagged = { tag: string; about: string; routes: Route[] };

export function openApiDocument(modules: Tagged[], version: string): ReturnType<typeof createDocument> {
  return createDocument({
    openapi: '3.1.0',
    info: {
      title: 'Waybill',
      version,
      description:
        'An order back end: people sign up, staff sell, customers order and pay. Every answer is `{ "data": … }`, every error a problem (RFC 9457).',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: API_BASE_PATH }],
    tags: modules
      .filter(({ routes }) => routes.length > 0)
      .map(({ tag, about }) => ({ name: tag, description: about })),
    components: {
      securitySchemes: {
        accessToken: {
          type: 'http',
          scheme: 'bearer',
          description: 'An access token from POST /auth/login, good for 15 minutes, or an API key (`wb_…`)',
        },
      },
    },
    paths: pathsOf(modules),
  });
}

function pathsOf(modules: Tagged[]): Record<string, Record<string, ZodOpenApiOperationObject>> {
  const paths: Record<string, Record<string, ZodOpenApiOperationObject>> = {};
  for (const { tag, routes } of modules) {
    for (const route of routes) (paths[route.path] ??= {})[route.method] = operationOf(route, tag);
  }
  return paths;
}

function operationOf({ access, operation }: Route, tag: string): ZodOpenApiOperationObject {
  const { operationId, summary, description, body, rawBody } = operation;
  return {
    operationId,
    summary,
    tags: [tag],
    ...(description !== undefined && { description }),
    security: securityOf(access),
    ...(Array.isArray(access) && { 'x-permissions': [...access] }),
    requestParams: parametersOf(operation),
    ...(rawBody && { requestBody: { required: true, content: { 'application/json': { schema: anyEvent } } } }),
    ...(body &&
      !rawBody && {
        requestBody: {
          required: !body.safeParse(undefined).success,
          content: { 'application/json': { schema: body } },
        },
      }),
    responses: { ...answersOf(operation), ...problemsOf(access, operation) },
  };
}

/** What is in it is the provider's matter. */
const anyEvent = z.looseObject({}).meta({ examples: [{ id: 'evt_1', type: 'charge.updated' }] });

function securityOf(access: Access): Record<string, string[]>[] {
  if (access === 'public') return [];
  return access === 'anyone' ? [{}, { accessToken: [] }] : [{ accessToken: [] }];
}

const idempotencyKey = z
  .string()
  .regex(/^[\x21-\x7e]{1,255}$/)
  .meta({ description: 'New for each intent, the same for each retry; kept 24 h', examples: ['9f0e1c5a-order-1'] });
const ifMatch = z.string().regex(/^"\d{1,9}"$/).meta({ description: 'The ETag of what you read', examples: ['"1"'] }); // prettier-ignore

function parametersOf({ params, query, idempotent, conditional }: Operation): ZodOpenApiParameters {
  const header = {
    ...(idempotent && { 'Idempotency-Key': idempotencyKey }),
    ...(conditional && { 'If-Match': ifMatch }),
  };
  return {
    ...(params && { path: params }),
    ...(query && { query }),
    ...(Object.keys(header).length > 0 && { header: z.object(header) }),
  };
}

const header = (name: string, description: string) => ({
  [name]: { description, schema: { type: 'string' as const } },
});
const requestIdHeader = header('X-Request-Id', 'Yours, or made for you; it is in the log');
const retryAfter = header('Retry-After', 'Seconds to wait before the same request is sent again');
const problemHeaders: Record<string, ReturnType<typeof header>> = {
  401: header('WWW-Authenticate', 'How to sign in: Bearer'),
  429: retryAfter,
  503: retryAfter,
};

const phrases: Record<string, string> = {
  200: 'OK',
  201: 'Created',
  202: 'Accepted: not decided yet',
  204: 'Done, nothing to say',
};

function answersOf({ answers, streams, idempotent }: Operation): ZodOpenApiResponsesObject {
  const entries = Object.entries(answers).map(([status, schema]) => {
    const headers = {
      ...requestIdHeader,
      ...(idempotent && {
        'Idempotency-Replayed': { description: '`true` on the answer of a retry', schema: { type: 'string' as const } },
      }),
      ...(status === '201' && { Location: { schema: { type: 'string' as const } } }),
    };
    return [
      status,
      {
        description: phrases[status] ?? status,
        headers,
        ...(schema && { content: { 'application/json': { schema: wrapped(schema) } } }),
      },
    ];
  });
  return { ...Object.fromEntries(entries), ...(streams && { 200: streamOf(streams) }) } as ZodOpenApiResponsesObject;
}

function streamOf(streams: NonNullable<Operation['streams']>) {
  const content = Object.fromEntries(streams.map(({ contentType, schema }) => [contentType, { schema }]));
  const fileName = header('Content-Disposition', 'A name to save it under');
  return { description: phrases[200], headers: { ...requestIdHeader, ...fileName }, content };
}

function wrapped(schema: z.ZodType | [z.ZodType]): z.ZodType {
  if (!Array.isArray(schema)) return z.strictObject({ data: schema });
  return z.strictObject({ data: z.array(schema[0]), page: z.strictObject({ nextCursor: z.string().nullable() }) });
}

const problemSchema = (codes: string[]) =>
  z.looseObject({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string().optional(),
    instance: z.string(),
    code: z.enum(codes as [string, ...string[]]),
    requestId: z.string(),
    errors: z.array(z.looseObject({ pointer: z.string(), code: z.string(), message: z.string() })).optional(),
  });

function problemsOf(access: Access, operation: Operation): ZodOpenApiResponsesObject {
  const codes = problemCodesOf(access, operation);
  return Object.fromEntries(
    Object.entries(codes).map(([status, list]) => [
      status,
      {
        description: list.map((code) => `\`${code}\``).join(', '),
        headers: {
          ...requestIdHeader,
          ...problemHeaders[status],
          ...(list.includes('idempotency_in_progress') && retryAfter),
        },
        content: { [PROBLEM_TYPE]: { schema: problemSchema(list) } },
      },
    ]),
  );
}

/** By status: an operation's own codes, and those that the conventions add to it. */
export function problemCodesOf(
  access: Access,
  { query, params, body, rawBody, streams, idempotent, conditional, priority, problems }: Operation,
): Record<string, string[]> {
  const conventions: Record<string, (string | false | undefined)[]> = {
    400: [
      'validation_failed',
      'path_invalid',
      (body !== undefined || rawBody) && 'malformed_json',
      query !== undefined && 'cursor' in query.shape && 'cursor_invalid',
      ...(idempotent ? ['idempotency_key_required', 'idempotency_key_invalid'] : []),
      conditional && 'if_match_invalid',
      streams !== undefined && 'accept_unsupported',
    ],
    401: access === 'public' ? [] : [access !== 'anyone' && 'token_required', 'token_invalid', 'token_expired'],
    403: ['origin_not_allowed', Array.isArray(access) && 'permission_denied'],
    404: [params !== undefined && 'route_not_found'],
    408: ['request_timed_out'],
    409: [idempotent && 'idempotency_in_progress'],
    412: [conditional && 'version_stale'],
    413: [(body !== undefined || rawBody) && 'body_too_large'],
    415: [(body !== undefined || rawBody) && 'unsupported_media_type'],
    422: [idempotent && 'idempotency_key_reused'],
    428: [conditional && 'if_match_required'],
    429: [!rawBody && 'rate_limited'],
    500: ['internal_error'],
    503: ['database_unavailable', 'database_busy', priority !== 'vital' && 'overloaded'],
  };
  const statuses = new Set([...Object.keys(conventions), ...Object.keys(problems ?? {})]);
  const entries = [...statuses].map((status): [string, string[]] => {
    const own = problems?.[Number(status)] ?? [];
    const shared = (conventions[status] ?? []).filter((code) => typeof code === 'string');
    return [status, [...new Set([...own, ...shared])]];
  });
  return Object.fromEntries(entries.filter(([, codes]) => codes.length > 0));
}
