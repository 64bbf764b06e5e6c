// How often one may try whatever tells, guesses or costs something about an account: every attempt counts, the refused and the malformed too.
import type { Request, RequestHandler, Response } from 'express';
import type { Actor } from '../../shared/http/actor.ts';
import type { SharedCounter } from '../../shared/limits/shared-counter.ts';
import { addressOf, limitRate, type Limit } from '../../shared/middleware/rate-limit.ts';
import { readRefreshToken } from './session.ts';

export type AttemptLimitOptions = {
  windowMs: number;
  loginMax: number;
  loginAddressMax: number;
  counter: SharedCounter;
};
export type AttemptLimits = Record<
  'register' | 'login' | 'refresh' | 'changePassword' | 'forgetPassword' | 'resetPassword' | 'verifyEmail',
  RequestHandler[]
>;

/** What an attempt is aimed at, by a body that nobody has checked or by who is calling; null when it names nothing. */
type Aim = (body: Record<string, unknown>, actor: Actor | null) => string | null;

export function createAttemptLimits(options: AttemptLimitOptions, refreshKey: Buffer): AttemptLimits {
  return {
    register: limitsOf('register', accountAimedAt, options),
    login: limitsOf('login', accountAimedAt, options),
    refresh: limitsOf('refresh', (body) => sessionAimedAt(body, refreshKey), options),
    changePassword: limitsOf('password', (_body, actor) => actor?.userId ?? null, options),
    forgetPassword: limitsOf('forgotten', accountAimedAt, options),
    resetPassword: limitsOf('reset', tokenSent, options),
    verifyEmail: limitsOf('verify', tokenSent, options),
  };
}

/** The address comes first: what it is refused no longer counts against somebody's account. */
function limitsOf(
  name: string,
  aim: Aim,
  { windowMs, loginMax, loginAddressMax, counter }: AttemptLimitOptions,
): RequestHandler[] {
  const keyAimedAt: Limit['keyOf'] = (...call) => keyOf(...call, aim);
  return [
    limitRate({ name: `${name}-address`, max: loginAddressMax, windowMs, keyOf: addressOf, counter }),
    limitRate({ name: `${name}-account`, max: loginMax, windowMs, keyOf: keyAimedAt, counter }),
  ];
}

/** Attempts aimed at nothing share their sender's counter. */
function keyOf(request: Request, response: Response, aim: Aim): string {
  const body: unknown = request.body;
  const fields = typeof body === 'object' && body !== null ? { ...body } : {};
  const target = aim(fields, response.locals.caller.actor);
  return target === null ? `from ${addressOf(request)}` : `at ${target}`;
}

const accountAimedAt: Aim = ({ email }) => (typeof email === 'string' ? email.trim().toLowerCase() : null);

const tokenSent: Aim = ({ token }) => (typeof token === 'string' ? token : null);

/** A forged token counts for itself, so that a session's id is not enough to lock its owner out. */
function sessionAimedAt({ refreshToken }: Record<string, unknown>, key: Buffer): string | null {
  if (typeof refreshToken !== 'string') return null;
  return readRefreshToken(refreshToken, key)?.sessionId ?? refreshToken;
}
