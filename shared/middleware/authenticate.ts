// Finds out who is calling; whether that is enough is each route's to say.
import type { RequestHandler } from 'express';
import { AppError, unauthenticated } from '../errors/app-error.ts';
import type { VerifyToken } from '../http/actor.ts';
import type { Caller } from '../http/locals.ts';

export function authenticate(verify: VerifyToken): RequestHandler {
  return async (request, response, next) => {
    const { authorization } = request.headers;
    response.locals.caller = authorization === undefined ? nobody : await callerOf(authorization, verify);
    next();
  };
}

const nobody: Caller = { actor: null, refusedToken: null };

async function callerOf(authorization: string, verify: VerifyToken): Promise<Caller> {
  try {
    return { actor: await verify(bearerOf(authorization)), refusedToken: null };
  } catch (error) {
    if (error instanceof AppError && error.kind === 'unauthenticated') return { actor: null, refusedToken: error };
    throw error;
  }
}

function bearerOf(authorization: string): string {
  const token = /^Bearer ([\w.~+/=-]{1,4096})$/i.exec(authorization)?.[1];
  if (token === undefined) throw unauthenticated('token_invalid', 'Authorization takes one bearer token.');
  return token;
}
