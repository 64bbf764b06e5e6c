// How often one caller may ask: per account when the token is good, per address otherwise.
import { createHash } from 'node:crypto';
import { ipKeyGenerator } from 'express-rate-limit';
import type { Request, RequestHandler, Response } from 'express';
import { LRUCache } from 'lru-cache';
import { AppError } from '../errors/app-error.ts';
import type { SharedCounter } from '../limits/shared-counter.ts';

export type Limit = {
  name: string;
  max: number;
  windowMs: number;
  keyOf: (request: Request, response: Response) => string;
  counter: SharedCounter;
};

/** `max` 0 switches the limit off. */
export function limitRate({ name, max, windowMs, keyOf, counter }: Limit): RequestHandler {
  if (max === 0) return (_request, _response, next) => next();
  const quota = `"${name}"; q=${max}; w=${Math.ceil(windowMs / 1000)}`;
  return async (request, response, next) => {
    const key = keyOf(request, response);
    const { count, resetMs } = await counter.hit(`${name} ${key}`, { windowMs, max });
    const resetSeconds = Math.ceil(resetMs / 1000);
    response.append('RateLimit', `"${name}"; r=${Math.max(0, max - count)}; t=${resetSeconds}`);
    response.append('RateLimit-Policy', `${quota}; pk=:${partitions.memo(key)}:`);
    if (count > max) throw tooMany(Math.max(1, resetSeconds));
    next();
  };
}

/** Whose quota it is, without telling who that is (draft-8 of the RateLimit headers, 2.2.4); made once for each caller. */
const partitions = new LRUCache<string, string>({
  max: 5000,
  memoMethod: (key) => btoa(createHash('sha256').update(key).digest('hex').slice(0, 12)),
});

export const addressOf = (request: Request): string => callersAddresses.memo(request.ip ?? 'unknown');

/** An IPv4 address in IPv6's clothes is the same caller, so is a /56 of IPv6: a household. To look it up costs less than to parse it. */
const callersAddresses = new LRUCache<string, string>({ max: 5000, memoMethod: (address) => ipKeyGenerator(address) });

/** Every caller's limit: anonymous by address, others by account. */
export function limitCallers({
  windowMs,
  addressMax,
  accountMax,
  counter,
}: {
  windowMs: number;
  addressMax: number;
  accountMax: number;
  counter: SharedCounter;
}): RequestHandler {
  const perAddress = limitRate({ name: 'address', max: addressMax, windowMs, keyOf: addressOf, counter });
  const perAccount = limitRate({
    name: 'account',
    max: accountMax,
    windowMs,
    counter,
    keyOf: (_request, response) => response.locals.caller.actor?.userId ?? '',
  });
  return (request, response, next) =>
    (response.locals.caller.actor === null ? perAddress : perAccount)(request, response, next);
}

const tooMany = (retryAfterSeconds: number): AppError =>
  new AppError('rate_limited', 'rate_limited', 'Too many requests; try again later.', { retryAfterSeconds });
