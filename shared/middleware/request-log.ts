// One line per request when its answer is done: an allow-list of facts, no query string, no header of the caller's.
import type { Request, RequestHandler, Response } from 'express';
import { pinoHttp } from 'pino-http';
import { requestLogger, type Logger } from '../logging/logger.ts';

export const requestLog = (logger: Logger): RequestHandler =>
  pinoHttp<Request, Response>({
    logger: requestLogger(logger),
    customLogLevel: (_request, response, error) => levelOf(response, error),
    customSuccessMessage: () => 'request',
    customErrorMessage: () => 'request',
    wrapSerializers: false, // it would describe request and response whole, for the next line to drop
    serializers: { req: () => undefined, res: () => undefined, err: () => undefined },
    // Not customProps, which writes them twice: as they were when the request came, and again.
    customSuccessObject: factsOf,
    customErrorObject: (request, response, _error, told: object) => factsOf(request, response, told),
  });

const factsOf = (request: Request, response: Response, told: object): object => ({
  ...told,
  method: request.method,
  path: request.originalUrl.split('?', 1)[0],
  status: response.statusCode,
  userId: response.locals.caller?.actor?.userId,
});

/** Turning away is what is to be done in an overload, and no error of ours. */
function levelOf({ statusCode: status, locals }: Response, error: unknown) {
  if (locals?.problemCode === 'overloaded') return 'warn';
  if (error !== undefined || status >= 500) return 'error';
  return status >= 400 ? 'warn' : 'info';
}
