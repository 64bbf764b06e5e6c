// A request over fetch: made once, sent as often as it takes; its answer is returned, its problem thrown.
import { basePath } from './api.ts';
import { ConnectionError, ProblemError, type Problem } from './errors.ts';
import type { Extras, Meta } from './method.ts';
import { retryAfterMsOf } from './retry.ts';

/** An operation without its types: what the methods have checked before. */
export type AnyOperation = { method: string; path: string; isPublic: boolean; isIdempotent: boolean; isList: boolean };
export type AnyInput = Extras & {
  params?: Record<string, string>;
  query?: Record<string, string | number | boolean | undefined>;
  body?: unknown;
  accept?: string;
  idempotencyKey?: string;
  ifMatch?: string;
};
export type AnyAnswer = Meta & { status: number; data?: unknown; page?: { nextCursor: string | null } };

export type Wire = { baseUrl: string; fetch: typeof globalThis.fetch; timeoutMs: number };
export type PreparedRequest = {
  url: string;
  method: string;
  headers: Record<string, string>;
  body: string | null;
  idempotencyKey: string | null;
  signal: AbortSignal | undefined;
};

/** The key is made here, once: every retry sends the same. */
export function prepare(baseUrl: string, operation: AnyOperation, input: AnyInput): PreparedRequest {
  const { params = {}, query = {}, body, accept, ifMatch, headers = {}, signal } = input;
  const path = operation.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(params[name] ?? ''));
  const idempotencyKey = operation.isIdempotent ? (input.idempotencyKey ?? crypto.randomUUID()) : null;
  return {
    url: `${baseUrl.replace(/\/+$/, '')}${basePath}${path}${searchOf(query)}`,
    method: operation.method,
    body: body === undefined ? null : JSON.stringify(body),
    idempotencyKey,
    signal,
    headers: {
      Accept: accept ?? 'application/json',
      ...(body !== undefined && { 'Content-Type': 'application/json' }),
      ...(idempotencyKey !== null && { 'Idempotency-Key': idempotencyKey }),
      ...(ifMatch !== undefined && { 'If-Match': ifMatch }),
      ...headers,
    },
  };
}

function searchOf(query: NonNullable<AnyInput['query']>): string {
  const given = Object.entries(query).flatMap(([name, value]): [string, string][] =>
    value === undefined ? [] : [[name, String(value)]],
  );
  return given.length === 0 ? '' : `?${new URLSearchParams(given).toString()}`;
}

/** `timeoutMs` is for the whole answer, or for the head of one that flows. */
export async function send(wire: Wire, request: PreparedRequest, authorization: string | null): Promise<AnyAnswer> {
  const { url, method, body, idempotencyKey, signal } = request;
  const headers = { ...request.headers, ...(authorization !== null && { Authorization: authorization }) };
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(new Error(`no answer within ${wire.timeoutMs} ms`)), wire.timeoutMs);
  const either = signal === undefined ? late.signal : AbortSignal.any([signal, late.signal]);
  try {
    return await read(await wire.fetch(url, { method, headers, body, signal: either }), idempotencyKey);
  } catch (cause) {
    if (cause instanceof ProblemError || cause instanceof ConnectionError) throw cause;
    if (signal?.aborted) throw signal.reason;
    throw new ConnectionError(`${method} ${url}: no answer`, { idempotencyKey, cause });
  } finally {
    clearTimeout(timer);
  }
}

async function read(response: Response, idempotencyKey: string | null): Promise<AnyAnswer> {
  const { status, headers } = response;
  const type = headers.get('Content-Type') ?? '';
  if (status >= 400) throw await failureOf(response, type, idempotencyKey);
  const meta = {
    status,
    etag: headers.get('ETag'),
    requestId: headers.get('X-Request-Id'),
    isReplay: headers.get('Idempotency-Replayed') === 'true',
  };
  if (status === 204) return meta;
  return type.startsWith('application/json')
    ? { ...((await response.json()) as object), ...meta }
    : ({ stream: response.body, ...meta } as AnyAnswer);
}

async function failureOf(response: Response, type: string, idempotencyKey: string | null) {
  const { status, headers, url } = response;
  const retryAfterMs = retryAfterMsOf(headers);
  if (!type.startsWith('application/problem+json'))
    return new ConnectionError(`${url} answered ${status}, and not as Waybill does`, {
      idempotencyKey,
      status,
      retryAfterMs,
    });
  return new ProblemError((await response.json()) as Problem, retryAfterMs, idempotencyKey);
}
