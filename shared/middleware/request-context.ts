// Gives each request an id, the caller's own when it is well formed, and makes it known to log lines and SQL comments.
import type { RequestHandler } from 'express';
import { newId } from '../domain/ids.ts';
import { withRequestContext } from '../logging/request-context.ts';

const wellFormed = /^[\w.-]{1,128}$/;

export const requestContext = (): RequestHandler => (request, response, next) => {
  const sent = request.get('x-request-id');
  const requestId = sent !== undefined && wellFormed.test(sent) ? sent : newId();
  response.locals.requestId = requestId;
  response.set('X-Request-Id', requestId);
  withRequestContext({ requestId, address: request.ip }, next);
};
