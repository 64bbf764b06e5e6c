// Turns whatever was thrown into one problem, and logs it once.
import type { ErrorRequestHandler, Request, Response } from 'express';
import { codeOf } from '../database/database-errors.ts';
import { AppError, malformed } from '../errors/app-error.ts';
import { internalProblem, problemOf, PROBLEM_TYPE, type Problem } from '../http/problem.ts';
import { ReplayedRefusal } from '../idempotency/idempotency.ts';
import type { Logger } from '../logging/logger.ts';

export const errorHandler =
  (logger: Logger, { showsDefects }: { showsDefects: boolean }): ErrorRequestHandler =>
  (thrown: unknown, request, response, _next) => {
    if (response.headersSent) return cutOff(logger, thrown, response);
    const known = asKnownError(thrown);
    if (known === null) logger.error({ err: thrown }, 'request failed');
    else if (known.kind === 'unavailable' && known.cause !== undefined)
      logger.warn({ err: known.cause, code: known.code }, 'request not possible now');
    if (known !== null) setHeaders(response, known);
    const problem = problemFor(known, thrown, request, response, showsDefects);
    response.locals.problemCode = problem.code;
    response.status(problem.status).type(PROBLEM_TYPE).send(JSON.stringify(problem));
  };

/** Too late for another answer: the connection ends, so that nobody takes what was sent for the whole. */
function cutOff(logger: Logger, thrown: unknown, response: Response): void {
  logger.error({ err: thrown }, 'answer cut off');
  response.destroy();
}

function problemFor(
  known: AppError | null,
  thrown: unknown,
  request: Request,
  response: Response,
  showsDefects: boolean,
): Problem {
  const own = { instance: request.originalUrl.split('?', 1)[0] ?? '/', requestId: response.locals.requestId };
  if (known === null)
    return {
      ...internalProblem(own),
      ...(showsDefects && thrown instanceof Error && { detail: thrown.stack ?? thrown.message }),
    };
  const requestId = known instanceof ReplayedRefusal ? (known.requestId ?? own.requestId) : own.requestId;
  return problemOf(known, { ...own, requestId });
}

function setHeaders(response: Response, error: AppError): void {
  const { kind, code, retryAfterSeconds } = error;
  response.set('Cache-Control', 'no-store');
  if (error instanceof ReplayedRefusal) response.set('Idempotency-Replayed', 'true');
  if (retryAfterSeconds !== undefined) response.set('Retry-After', String(retryAfterSeconds));
  if (kind === 'unauthenticated')
    response.set(
      'WWW-Authenticate',
      code.startsWith('token_') && code !== 'token_required' ? 'Bearer error="invalid_token"' : 'Bearer',
    );
}

/** What Express, its parsers and PostgreSQL throw for bad input is bad input; null is a defect of ours. */
function asKnownError(thrown: unknown): AppError | null {
  if (thrown instanceof AppError) return thrown;
  if (thrown instanceof URIError) return malformed('path_invalid', 'The path is not valid percent-encoding.');
  return ofParser(thrown) ?? ofPostgres(thrown);
}

/** body-parser's errors carry `type` (https://github.com/expressjs/body-parser#errors) and a 4xx `status`. */
function ofParser(thrown: unknown): AppError | null {
  if (!(thrown instanceof Error) || !('status' in thrown) || typeof thrown.status !== 'number') return null;
  const { status } = thrown;
  if (status === 413) return new AppError('too_large', 'body_too_large', 'The body is larger than this route takes.');
  if (status === 415)
    return new AppError(
      'unsupported_media_type',
      'unsupported_media_type',
      'Send plain UTF-8 JSON without Content-Encoding.',
    );
  if (status === 408) return new AppError('timed_out', 'request_timed_out', 'The request did not arrive in time.');
  if (status >= 400 && status < 500)
    return malformed('malformed_json', 'The body is not valid JSON, or not as long as it says.');
  return null;
}

/** 22P02 not a number or uuid, 22003 out of range, 22021 not text: validation should have caught it, but it is the caller's. */
const callersFault = /^(22P02|22003|22021|22P05)$/;

function ofPostgres(thrown: unknown): AppError | null {
  return callersFault.test(codeOf(thrown))
    ? malformed('validation_failed', 'A value of the request is not acceptable.', { cause: thrown })
    : null;
}
