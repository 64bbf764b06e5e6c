// Which web pages may call from a browser: an allow-list; any other origin is refused before anything runs.
import cors from 'cors';
import type { RequestHandler } from 'express';
import { forbidden } from '../errors/app-error.ts';
import type { Logger } from '../logging/logger.ts';

export type CorsOptions = { allowedOrigins: string[]; publicUrl: string };

export function allowOrigins({ allowedOrigins, publicUrl }: CorsOptions, logger: Logger): RequestHandler {
  const allowed = new Set([...allowedOrigins, new URL(publicUrl).origin]);
  const isAllowed = (origin: string) => allowed.has('*') || allowed.has(origin);
  const answer = cors({
    origin: (origin, done) => done(null, origin !== undefined && isAllowed(origin)),
    credentials: true,
    methods: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'],
    allowedHeaders: [
      'Content-Type',
      'Authorization',
      'X-Requested-With',
      'Accept',
      'Idempotency-Key',
      'If-Match',
      'If-None-Match',
      'X-Request-Id',
    ],
    exposedHeaders: [
      'ETag',
      'Location',
      'Link',
      'Retry-After',
      'RateLimit',
      'RateLimit-Policy',
      'X-Request-Id',
      'Idempotency-Replayed',
    ],
    maxAge: 86_400,
  });
  return (request, response, next) => {
    const { origin } = request.headers;
    // Also without an origin: a cache must not give a program's answer, which has no CORS headers, to a page.
    response.vary('Origin');
    if (origin === undefined) return next();
    if (isAllowed(origin)) return answer(request, response, next);
    logger.warn({ origin: visible(origin) }, 'origin refused');
    throw forbidden('origin_not_allowed', 'Pages of this origin may not call this API.');
  };
}

/** Headers come as latin1, where U+009B starts an escape sequence on some terminals; an origin is ASCII (RFC 6454). */
const visible = (origin: string): string => origin.slice(0, 200).replaceAll(/[^\x20-\x7e]/g, '?');
