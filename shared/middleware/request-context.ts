// Gives each request an id, the caller's own when it is well formed, and makes it known to log lines and SQL comments.
import type { RequestHandler } from 'express';
import { newId } from '../domain/ids.ts';
import { withRequestContext } from '../logging/request-context.ts';

const wellFormed = /^[\w.-]{1,128}$/;
/** version-traceid-parentid-flags, https://www.w3.org/TR/trace-context/#traceparent-header */
const traceparent = /^[\da-f]{2}-(?!0{32})([\da-f]{32})-[\da-f]{16}-[\da-f]{2}/;

/** @param currentTraceId of the trace that is recorded, if any is */
export const requestContext =
  (currentTraceId: () => string | undefined = () => undefined): RequestHandler =>
  (request, response, next) => {
    const sent = request.get('x-request-id');
    const requestId = sent !== undefined && wellFormed.test(sent) ? sent : newId();
    const traceId = currentTraceId() ?? traceparent.exec(request.get('traceparent') ?? '')?.[1];
    response.locals.requestId = requestId;
    response.set('X-Request-Id', requestId);
    withRequestContext({ requestId, traceId, address: request.ip }, next);
  };
