// Whatever is thrown becomes one problem; only our own words leave the house.
import express from 'express';
import supertest from 'supertest';
import { describe, expect, test } from 'vitest';
import { readableLog } from '../../../tests/support/room-database.ts';
import { AppError, conflict, malformed, unauthenticated, unavailable, type ErrorKind } from '../../errors/app-error.ts';
import { ReplayedRefusal } from '../../idempotency/idempotency.ts';
import { errorHandler } from '../error-handler.ts';
import { requestContext } from '../request-context.ts';

function throwing(thrown: unknown, { showsDefects = false } = {}) {
  const { logger, lines } = readableLog();
  const app = express();
  app.use(requestContext());
  app.get('/thrown', () => {
    throw thrown;
  });
  app.use(errorHandler(logger, { showsDefects }));
  return { lines, ask: () => supertest(app).get('/thrown?token=secret').set('X-Request-Id', 'request-1') };
}

const sqlError = (code: string) => Object.assign(new Error('secret words of PostgreSQL'), { code });
const parserError = (status: number) => Object.assign(new Error('secret words of a parser'), { status, type: 'x' });

describe('what is thrown', () => {
  const kinds: [ErrorKind, number][] = [
    ['malformed', 400], ['unauthenticated', 401], ['declined', 402], ['forbidden', 403], ['not_found', 404], ['method_not_allowed', 405], ['timed_out', 408],
    ['conflict', 409], ['precondition_failed', 412], ['too_large', 413], ['unsupported_media_type', 415], ['unprocessable', 422], ['precondition_required', 428],
    ['rate_limited', 429], ['unavailable', 503],
  ]; // prettier-ignore
  test.each(kinds)('%s is %i', async (kind, status) => {
    const { body } = await throwing(new AppError(kind, 'some_code', 'Some words.'))
      .ask()
      .expect(status)
      .expect('Content-Type', /^application\/problem\+json/);
    expect(body).toEqual({
      type: '/docs/errors/some_code',
      title: 'Some code',
      status,
      detail: 'Some words.',
      instance: '/thrown',
      code: 'some_code',
      requestId: 'request-1',
    });
  });

  test.each<[string, unknown, number, string]>([
    ['a bad escape', new URIError('secret'), 400, 'path_invalid'],
    ['too large a body', parserError(413), 413, 'body_too_large'],
    ['another charset', parserError(415), 415, 'unsupported_media_type'],
    ['too slow a body', parserError(408), 408, 'request_timed_out'],
    ['broken JSON', parserError(400), 400, 'malformed_json'],
    ['a client that left', parserError(499), 400, 'malformed_json'],
    ['not a uuid', sqlError('22P02'), 400, 'validation_failed'],
    ['out of range', sqlError('22003'), 400, 'validation_failed'],
    ['not text', sqlError('22021'), 400, 'validation_failed'],
    ['unique', sqlError('23505'), 500, 'internal_error'],
    ['another status', parserError(302), 500, 'internal_error'],
    ['a status that is no number', Object.assign(new Error('secret'), { status: '400' }), 500, 'internal_error'],
    ['a defect', new TypeError('secret'), 500, 'internal_error'],
    ['a text', 'secret', 500, 'internal_error'],
    ['an object with a status', { status: 400 }, 500, 'internal_error'],
  ])('%s', async (_name, thrown, status, code) => {
    const { text, body } = await throwing(thrown).ask().expect(status);
    expect(body).toMatchObject({ code, status, requestId: 'request-1' });
    expect(text).not.toContain('secret');
  });
});

describe('what goes with it', () => {
  test('facts and faults', async () => {
    const faults = [{ pointer: '/a', code: 'b', message: 'c', available: 2 }];
    const { body } = await throwing(conflict('some_code', 'x', { faults, facts: { allowed: ['paid'] } })).ask();
    expect(body).toMatchObject({ errors: faults, allowed: ['paid'] });
  });

  test('Retry-After, WWW-Authenticate, and no-store', async () => {
    const { headers } = await throwing(unavailable('database_busy', 'x', { retryAfterSeconds: 3 })).ask();
    expect(headers).toMatchObject({ 'retry-after': '3', 'cache-control': 'no-store' });
    const challenge = async (code: string) =>
      (await throwing(unauthenticated(code, 'x')).ask()).headers['www-authenticate'] as string;
    expect([await challenge('token_required'), await challenge('token_expired')]).toEqual([
      'Bearer',
      'Bearer error="invalid_token"',
    ]);
    expect((await throwing(malformed('x', 'x')).ask()).headers['www-authenticate']).toBeUndefined();
  });

  test('a refusal told again is marked, and has the id of the first', async () => {
    const refusal = new ReplayedRefusal({ kind: 'conflict', code: 'price_changed', detail: 'x', requestId: 'first' });
    const { body, headers } = await throwing(refusal).ask();
    expect([body.requestId, headers['idempotency-replayed'], headers['x-request-id']]).toEqual([
      'first',
      'true',
      'request-1',
    ]);
    const nameless = await throwing(
      new ReplayedRefusal({ kind: 'conflict', code: 'price_changed', detail: 'x' }),
    ).ask();
    expect(nameless.body.requestId).toBe('request-1');
  });
});

describe('the log', () => {
  test('has one line for a defect, with its stack', async () => {
    const { ask, lines } = throwing(new TypeError('x is not a function'));
    await ask();
    expect(lines).toMatchObject([
      { level: 'error', msg: 'request failed', requestId: 'request-1', err: { type: 'TypeError' } },
    ]);
  });

  test('warns of what is not possible now, with the cause; has nothing to say of a refusal', async () => {
    const busy = throwing(unavailable('database_unavailable', 'x', { cause: sqlError('57P01') }));
    await busy.ask();
    expect(busy.lines).toMatchObject([{ level: 'warn', code: 'database_unavailable', err: { code: '57P01' } }]);
    const refused = throwing(conflict('price_changed', 'x'));
    await refused.ask();
    expect(refused.lines).toEqual([]);
  });

  test('in development the caller sees the stack, too', async () => {
    const { body } = await throwing(new TypeError('x is not a function'), { showsDefects: true }).ask();
    expect(body.detail).toContain('TypeError: x is not a function');
    expect((await throwing('a text', { showsDefects: true }).ask()).body.detail).toBeUndefined();
  });
});

test('an answer that has begun is cut off, so that nobody takes it for a whole one', async () => {
  const { logger } = readableLog();
  const app = express();
  app.get('/', (_request, response) => {
    response.write('{"data":');
    throw new Error('too late');
  });
  app.use(errorHandler(logger, { showsDefects: false }));
  await expect(supertest(app).get('/')).rejects.toThrow(/aborted|hang up/);
});
