// Who is calling: a bad token is remembered, not thrown, so that each route can say whether it matters.
import express from 'express';
import supertest from 'supertest';
import { describe, expect, test } from 'vitest';
import { unauthenticated, unavailable } from '../../errors/app-error.ts';
import type { Actor, VerifyToken } from '../../http/actor.ts';
import { authenticate } from '../authenticate.ts';

const ada: Actor = {
  kind: 'user',
  userId: 'ada',
  sessionId: 's',
  role: 'customer',
  permissions: new Set(['orders:own']),
};
const verify: VerifyToken = async (token) => {
  if (token === 'down') throw unavailable('database_unavailable', 'x');
  if (token !== 'good') throw unauthenticated('token_expired', 'x');
  return ada;
};

function asking(authorization?: string) {
  const app = express();
  app.use(authenticate(verify));
  app.get('/', (_request, response) => {
    const { actor, refusedToken } = response.locals.caller;
    response.json({ userId: actor?.userId ?? null, refused: refusedToken?.code ?? null });
  });
  app.use(
    ((error: { code: string }, _request, response, _next) =>
      void response.status(503).json({ code: error.code })) as express.ErrorRequestHandler,
  );
  return supertest(app)
    .get('/')
    .set(authorization === undefined ? {} : { Authorization: authorization });
}

describe('the Authorization header', () => {
  test.each([
    [undefined, { userId: null, refused: null }],
    ['Bearer good', { userId: 'ada', refused: null }],
    ['bearer good', { userId: 'ada', refused: null }],
    ['Bearer old', { userId: null, refused: 'token_expired' }],
    ['Basic good', { userId: null, refused: 'token_invalid' }],
    ['Bearer', { userId: null, refused: 'token_invalid' }],
    ['Bearer good good', { userId: null, refused: 'token_invalid' }],
    ['good', { userId: null, refused: 'token_invalid' }],
    [`Bearer ${'x'.repeat(4097)}`, { userId: null, refused: 'token_invalid' }],
  ])('%s', async (authorization, expected) => expect((await asking(authorization)).body).toEqual(expected));

  test('what is not about the token is passed on', async () =>
    expect((await asking('Bearer down').expect(503)).body).toEqual({ code: 'database_unavailable' }));
});
