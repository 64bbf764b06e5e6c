// A route: method, path, who may, what comes in and goes out, and who answers; the one source for Express and for OpenAPI.
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import express, { Router, type NextFunction, type Request, type RequestHandler, type Response } from 'express';
import { z } from 'zod';
import { AppError, forbidden, malformed, unauthenticated } from '../errors/app-error.ts';
import type { Priority } from '../metrics/load.ts';
import { readIdempotencyKey, type IdempotencyKey } from '../idempotency/idempotency-key.ts';
import type { Actor } from './actor.ts';
import { parse, parseIfMatch } from './parse.ts';
import { toReady, type Ready, type Reply } from './reply.ts';

export type Method = 'get' | 'post' | 'patch' | 'put' | 'delete';

/**
 * `public`: whoever calls, a token is not looked at. `anyone`: a token is optional, but a bad one is 401.
 * Otherwise the permissions of which the caller must hold one.
 */
export type Access = 'public' | 'anyone' | readonly string[];

/** What a request may carry and what it may be answered: OpenAPI is derived from it. */
export type Operation = {
  /** Unique and stable: clients generate method names from it. */
  operationId: string;
  summary: string;
  description?: string;
  params?: z.ZodObject;
  query?: z.ZodObject;
  body?: z.ZodType;
  /** The signature of a provider's webhook covers the bytes, so they come unparsed. */
  rawBody?: true;
  /** What may wait when there is more than can be done; `normal` unless said. */
  priority?: Priority;
  /** Idempotency-Key is required. */
  idempotent?: true;
  /** If-Match is required. */
  conditional?: true;
  /** By status: the schema of `data`, or null where there is no body. `[schema]` is a list with a page. */
  answers: Partial<Record<200 | 201 | 202 | 204, z.ZodType | [z.ZodType] | null>>;
  /** Instead of answers: what is sent while it is made, the content type preferred here first. */
  streams?: readonly { contentType: string; schema: z.ZodType }[];
  /** By status: the codes that are this operation's own; those of the conventions are added. */
  problems?: Record<number, readonly string[]>;
};

type Parsed<Schema> = Schema extends z.ZodType ? z.output<Schema> : undefined;
type ActorFor<A extends Access> = A extends 'public' ? null : A extends 'anyone' ? Actor | null : Actor;

export type Input<O extends Operation, A extends Access = readonly string[]> = {
  actor: ActorFor<A>;
  params: Parsed<O['params']>;
  query: Parsed<O['query']>;
  body: O['rawBody'] extends true ? Buffer : Parsed<O['body']>;
  idempotencyKey: O['idempotent'] extends true ? IdempotencyKey : undefined;
  /** The version named by If-Match. */
  ifMatch: O['conditional'] extends true ? number : undefined;
  /** Which of the streams the caller takes. */
  accepts: O['streams'] extends readonly { contentType: infer Type }[] ? Type : undefined;
  headers: Request['headers'];
};

export type Handler<O extends Operation, A extends Access = readonly string[]> = (input: Input<O, A>) => Promise<Reply>;

export type Route = {
  method: Method;
  path: string;
  access: Access;
  operation: Operation;
  handler: Handler<never, never>;
  before: RequestHandler[];
};

/** `before` sees the body parsed but not yet checked: a limit has to count what validation will refuse, too. */
export type RouteOptions = { before?: RequestHandler[] };

export function route<O extends Operation, const A extends Access>(
  method: Method,
  path: string,
  access: A,
  operation: O,
  handler: Handler<O, A>,
  { before = [] }: RouteOptions = {},
): Route {
  if (access.length === 0) throw new Error(`${method} ${path} names neither a permission nor public`);
  return { method, path, access, operation, handler, before };
}

const BODY_BYTES_MAX = 16 * 1024;
const EVENT_BYTES_MAX = 256 * 1024;
const noQuery = z.strictObject({});

/** `admit` stands last before the work. */
type Mounting = { admit?: (operation: Operation) => RequestHandler };

/** Mounts the routes, by the first segment of their paths: a request is compared with some of them only, not with all hundred. */
export function mountRoutes(routes: Route[], mounting: Mounting = {}): RequestHandler {
  const segments = new Set(routes.map(({ path }) => segmentOf(path)));
  const routers = new Map(
    [...segments].map((segment) => [
      segment,
      routerOf(
        routes.filter(({ path }) => segmentOf(path) === segment),
        mounting,
      ),
    ]),
  );
  return (request, response, next) => {
    const router = routers.get(segmentOf(request.path));
    if (router === undefined) next();
    else router(request, response, next);
  };
}

/** `/orders/{id}` → `orders` */
export const segmentOf = (path: string): string => path.split('/', 2)[1] ?? '';

/** Any other method on their paths is 405 with `Allow`. */
function routerOf(routes: Route[], { admit }: Mounting): Router {
  const router = Router({ caseSensitive: true, strict: true });
  for (const one of routes)
    router[one.method](
      expressPath(one.path),
      ...middlewareOf(one),
      ...(admit ? [admit(one.operation)] : []),
      answer(one),
    );
  for (const path of new Set(routes.map((one) => one.path))) {
    const allowed = routes.filter((one) => one.path === path).map((one) => one.method.toUpperCase());
    router.all(expressPath(path), methodNotAllowed(allowed.includes('GET') ? [...allowed, 'HEAD'] : allowed));
  }
  return router;
}

export const expressPath = (path: string): string => path.replaceAll(/\{(\w+)\}/g, ':$1');

function middlewareOf({ access, operation, before }: Route): RequestHandler[] {
  const { body, rawBody } = operation;
  return [
    authorize(access),
    // A signature covers the very bytes of a provider's webhook, and providers send more than our clients do.
    ...(rawBody
      ? [limitBody(EVENT_BYTES_MAX), express.raw({ type: () => true, limit: EVENT_BYTES_MAX, inflate: false })]
      : []),
    ...(body && !rawBody
      ? [
          requireJson,
          limitBody(BODY_BYTES_MAX),
          express.json({ limit: BODY_BYTES_MAX, inflate: false, type: () => true }),
        ]
      : []),
    ...before,
  ];
}

function authorize(access: Access): RequestHandler {
  return (_request, response, next) => {
    if (access === 'public') return next();
    const { actor, refusedToken } = response.locals.caller;
    if (refusedToken !== null) throw refusedToken;
    if (access === 'anyone') return next();
    if (actor === null) throw unauthenticated('token_required', 'Send an access token: Authorization: Bearer …');
    if (!access.some((permission) => actor.permissions.has(permission))) {
      throw forbidden('permission_denied', 'Your role does not allow this.');
    }
    next();
  };
}

/** body-parser would read all that is announced, for as long as it comes, before it says the same. */
const limitBody =
  (bytesMax: number): RequestHandler =>
  (request, _response, next) => {
    if (Number(request.headers['content-length'] ?? 0) <= bytesMax) return next();
    throw new AppError('too_large', 'body_too_large', 'The body is larger than this route takes.');
  };

/** RFC 8259: UTF-8 only. body-parser would decode UTF-7 and UTF-16 too, which whoever looks at bodies on the way does not. */
const otherCharset = /;\s*charset\s*=\s*(?!"?utf-8"?\s*(;|$))/i;

const isJson = (request: Request): boolean =>
  request.is('application/json') !== false && !otherCharset.test(request.get('content-type') ?? '');

/** An empty body is left to the schema, which knows whether one is needed. */
function requireJson(request: Request, _response: Response, next: NextFunction): void {
  const hasBody =
    request.headers['transfer-encoding'] !== undefined || Number(request.headers['content-length'] ?? 0) > 0;
  if (hasBody && !isJson(request)) {
    throw new AppError('unsupported_media_type', 'unsupported_media_type', 'The body must be application/json.');
  }
  next();
}

function answer({ access, operation, handler }: Route): RequestHandler {
  return async (request, response) => {
    const reply = await handler(inputOf(operation, access, request, response) as never);
    if (access === 'anyone') response.vary('Authorization');
    if (operation.streams) response.vary('Accept');
    if (reply.stream === undefined) send(request, response, reply);
    else await sendStream(request, response, reply, reply.stream);
  };
}

function inputOf(
  { params, query, body, rawBody, idempotent, conditional, streams }: Operation,
  access: Access,
  request: Request,
  response: Response,
) {
  const actor = access === 'public' ? null : response.locals.caller.actor;
  const parsed = {
    params: params && parse(params, { ...request.params }, 'path'),
    query: query || request.url.includes('?') ? parse(query ?? noQuery, { ...request.query }, 'query') : undefined,
    body: rawBody ? rawBytes(request.body) : body && parse(body, request.body, 'body'),
  };
  const scopeOf = () => `${actor?.userId ?? 'anonymous'} ${request.method} ${request.baseUrl}${request.path}`;
  return {
    actor,
    ...parsed,
    idempotencyKey: idempotent && readIdempotencyKey(request.get('idempotency-key'), scopeOf(), parsed.body),
    ifMatch: conditional && parseIfMatch(request.get('if-match')),
    accepts:
      streams &&
      acceptedOf(
        request,
        streams.map(({ contentType }) => contentType),
      ),
    headers: request.headers,
  };
}

/** RFC 9110, 12.5.1: no Accept takes everything. */
function acceptedOf(request: Request, types: string[]): string {
  const accepted = request.accepts(types);
  if (accepted !== false) return accepted;
  const message = `This is sent as ${types.join(' or ')}.`;
  const fault = { pointer: '/header/accept', code: 'accept_unsupported', message };
  throw malformed('accept_unsupported', message, { faults: [fault] });
}

const rawBytes = (body: unknown): Buffer => (Buffer.isBuffer(body) ? body : Buffer.alloc(0));

function send(request: Request, response: Response, { status, data, page, ready, headers }: Reply): void {
  response.status(status).set(headers);
  if (page?.nextCursor) response.set('Link', `<${nextPageOf(request, page.nextCursor)}>; rel="next"`);
  if (data === undefined) response.end();
  else sendJson(request, response, ready ?? toReady(page === undefined ? { data } : { data, page }));
}

/** As `response.json()` does, which first finds out of each answer what it is. */
function sendJson(request: Request, response: Response, { text, bytes }: Ready): void {
  // Node sends no body with a 304, nor to a HEAD.
  if (request.fresh) return void response.status(304).end();
  response.setHeader('Content-Type', 'application/json; charset=utf-8');
  response.setHeader('Content-Length', bytes);
  response.end(text);
}

/**
 * The head waits for the first chunk, so that what goes wrong until then is a problem like any other. After it an error cuts the
 * connection. A caller who reads slowly slows the making down; one who leaves ends it.
 */
async function sendStream(
  request: Request,
  response: Response,
  { status, headers }: Reply,
  stream: AsyncIterable<string>,
): Promise<void> {
  const iterator = stream[Symbol.asyncIterator]();
  try {
    const first = await iterator.next();
    // A proxy that took it all at once would read the database dry for a reader who is slow, or gone.
    response.status(status).set({ ...headers, 'X-Accel-Buffering': 'no' });
    if (request.method === 'HEAD') return void response.end();
    // pipeline() listens several times itself, and with us it is 11: one more than Node takes for a leak.
    response.setMaxListeners(20);
    await pipeline(Readable.from(continued(first, iterator)), response);
  } catch (error) {
    if (!isLeaving(error)) throw error;
  } finally {
    await iterator.return?.();
  }
}

async function* continued(first: IteratorResult<string>, iterator: AsyncIterator<string>): AsyncGenerator<string> {
  if (first.done) return;
  yield first.value;
  yield* { [Symbol.asyncIterator]: () => iterator };
}

const isLeaving = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'ERR_STREAM_PREMATURE_CLOSE';

/** RFC 8288: the same list, from the cursor on. */
function nextPageOf(request: Request, cursor: string): string {
  const { pathname, searchParams } = new URL(request.originalUrl, 'http://waybill');
  searchParams.set('cursor', cursor);
  return `${pathname}?${searchParams.toString()}`;
}

function methodNotAllowed(allowed: string[]): RequestHandler {
  return (request, response) => {
    response.set('Allow', allowed.join(', '));
    throw new AppError('method_not_allowed', 'method_not_allowed', `${request.method} is not possible here.`, {
      facts: { allowed },
    });
  };
}
