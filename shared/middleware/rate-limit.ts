// How often one caller may ask: per account when the token is good, per address otherwise.
import { ipKeyGenerator, rateLimit, type Store } from 'express-rate-limit';
import type { Request, RequestHandler, Response } from 'express';
import { AppError } from '../errors/app-error.ts';
import type { Hits } from '../limits/hit-counter.ts';
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
  return rateLimit({
    windowMs,
    limit: max,
    identifier: name,
    standardHeaders: 'draft-8',
    legacyHeaders: false,
    keyGenerator: keyOf,
    store: storeOf(name, (key) => counter.hit(`${name} ${key}`, { windowMs, max })),
    // It would print to the console whenever somebody sends X-Forwarded-For where no proxy is trusted.
    validate: { xForwardedForHeader: false },
    handler: (request, _response, next) => next(tooMany(secondsUntilReset(request, windowMs))),
  });
}

export const addressOf = (request: Request): string => ipKeyGenerator(request.ip ?? 'unknown');

/** A hit is a hit: nothing is ever taken back. */
const storeOf = (name: string, hit: (key: string) => Promise<Hits>): Store & { prefix: string } => ({
  // Without it express-rate-limit takes two limits of one address for one that counts twice, and complains on the console.
  prefix: name,
  increment: async (key) => {
    const { count, resetMs } = await hit(key);
    return { totalHits: count, resetTime: new Date(Date.now() + resetMs) };
  },
  decrement: () => undefined,
  resetKey: () => undefined,
});

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

function secondsUntilReset(request: Request, windowMs: number): number {
  const resetTime = (request as Request & { rateLimit?: { resetTime?: Date } }).rateLimit?.resetTime;
  return Math.max(1, Math.ceil(((resetTime?.getTime() ?? Date.now() + windowMs) - Date.now()) / 1000));
}

const tooMany = (retryAfterSeconds: number): AppError =>
  new AppError('rate_limited', 'rate_limited', 'Too many requests; try again later.', { retryAfterSeconds });
