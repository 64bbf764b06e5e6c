// How often one caller may ask: per account when the token is good, per address otherwise.
import { createHash } from 'node:crypto';
import { ipKeyGenerator, rateLimit } from 'express-rate-limit';
import type { Request, RequestHandler, Response } from 'express';
import { AppError } from '../errors/app-error.ts';

export type Limit = {
  name: string;
  max: number;
  windowMs: number;
  keyOf: (request: Request, response: Response) => string;
};

/** `max` 0 switches the limit off. */
export function limitRate({ name, max, windowMs, keyOf }: Limit): RequestHandler {
  if (max === 0) return (_request, _response, next) => next();
  return rateLimit({
    windowMs,
    limit: max,
    identifier: name,
    standardHeaders: 'draft-8',
    legacyHeaders: false,
    keyGenerator: keyOf,
    handler: (request, _response, next) => next(tooMany(secondsUntilReset(request, windowMs))),
  });
}

export const addressOf = (request: Request): string => ipKeyGenerator(request.ip ?? 'unknown');

/** A key that tells nothing: the e-mail of a login attempt is not kept in clear. */
export const hashed = (value: string): string => createHash('sha256').update(value).digest('base64url');

/** Every caller's limit: anonymous by address, others by account. */
export function limitCallers({
  windowMs,
  addressMax,
  accountMax,
}: {
  windowMs: number;
  addressMax: number;
  accountMax: number;
}): RequestHandler {
  const perAddress = limitRate({ name: 'address', max: addressMax, windowMs, keyOf: addressOf });
  const perAccount = limitRate({
    name: 'account',
    max: accountMax,
    windowMs,
    keyOf: (_request, response) => response.locals.caller.actor?.userId ?? '',
  });
  return (request, response, next) =>
    (response.locals.caller.actor === null ? perAddress : perAccount)(request, response, next);
}

function secondsUntilReset(request: Request, windowMs: number): number {
  const resetTime = (request as Request & { rateLimit?: { resetTime?: Date } }).rateLimit?.resetTime;
  return Math.max(1, Math.ceil(((resetTime?.getTime() ?? Date.now() + windowMs) - Date.now()) / 1000));
}

const tooMany = (retryAfterSeconds: number): AppError =>
  new AppError('rate_limited', 'rate_limited', 'Too many requests; try again later.', { retryAfterSeconds });
