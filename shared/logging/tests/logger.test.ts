// The log keeps secrets: by key wherever they slip in, and of an error only what is on the list.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, test, vi } from 'vitest';
import { readableLog } from '../../../tests/support/room-database.ts';
import { createLogger, requestLogger } from '../logger.ts';
import { ReplacedStdout } from '../replaced-stdout.ts';
import { currentRequestId, withRequestContext } from '../request-context.ts';

function logged(fields: object): Record<string, unknown> {
  const { logger, lines } = readableLog();
  logger.info(fields, 'a fact');
  return lines[0] ?? {};
}

test('a line has its level as a word, its time, its service, and no host', () => {
  const line = logged({ orderId: '1' });
  expect(line).toEqual({
    level: 'info',
    time: expect.stringMatching(/^\d{4}-.*Z$/) as string,
    service: 'waybill',
    orderId: '1',
    msg: 'a fact',
  });
});

describe('secrets', () => {
  test.each([
    'password',
    'token',
    'accessToken',
    'refreshToken',
    'secret',
    'authorization',
    'cookie',
    'idempotencyKey',
  ])('%s is scrubbed, to the third level', (name) => {
    const line = JSON.stringify(logged({ [name]: 'canary', one: { [name]: 'canary', two: { [name]: 'canary' } } }));
    expect(line).not.toContain('canary');
    expect(line.match(/\[redacted\]/g)).toHaveLength(3);
  });

  test('where lines are flat, they are scrubbed as well', async () => {
    const { logger, lines } = readableLog();
    requestLogger(logger).info({ token: 'canary', path: '/things' }, 'a fact');
    await nextTurn();
    expect(lines[0]).toMatchObject({ token: '[redacted]', path: '/things', service: 'waybill' });
  });

  test('what PostgreSQL says about a customer’s values stays out; what helps to find the defect is in', () => {
    const error = Object.assign(new Error('duplicate key'), {
      code: '23505',
      constraint: 'users_email',
      schema: 'users',
      table: 'users',
      detail: 'canary',
      where: 'canary',
      parameters: ['canary'],
      query: 'canary',
    });
    const line = logged({ err: error });
    expect(JSON.stringify(line)).not.toContain('canary');
    expect(line['err']).toMatchObject({
      type: 'Error',
      message: 'duplicate key',
      code: '23505',
      constraint: 'users_email',
      schema: 'users',
      table: 'users',
      stack: expect.stringContaining('logger.test.ts') as string,
    });
  });

  test('so it is for the cause of an error, and its cause', () => {
    const root = Object.assign(new Error('root'), { detail: 'canary' });
    const line = logged({ err: new Error('top', { cause: new Error('middle', { cause: root }) }) });
    expect(line['err']).toMatchObject({ message: 'top', cause: { message: 'middle', cause: { message: 'root' } } });
    expect(JSON.stringify(line)).not.toContain('canary');
  });

  test('what is thrown and no error is told as text', () =>
    expect(logged({ err: 'text' })['err']).toMatchObject({ message: 'text' }));
});

describe('the request', () => {
  test('is named in every line it causes, also after a wait, and in no other', async () => {
    const { logger, lines } = readableLog();
    const work = async () => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      logger.info('within');
    };
    await Promise.all(['one', 'two'].map((requestId) => withRequestContext({ requestId }, work)));
    logger.info('without');
    expect(lines.map(({ requestId }) => requestId)).toEqual(['one', 'two', undefined]);
    expect(currentRequestId()).toBeUndefined();
  });
});

describe('the lines of requests', () => {
  test('of one turn are written together, in their order; other lines at once', async () => {
    const writes: string[] = [];
    const logger = createLogger({ level: 'info', isPretty: false }, { write: (text) => void writes.push(text) });
    const requests = requestLogger(logger);
    requests.info('first');
    requests.info('second');
    logger.info('at once');
    expect(messagesOf(writes)).toEqual([['at once']]);
    await nextTurn();
    requests.child({ requestId: '3' }).info('in the next turn');
    await nextTurn();

    expect(messagesOf(writes)).toEqual([['at once'], ['first', 'second'], ['in the next turn']]);
  });

  test('under PM2, which dates each write, are written one by one', () => {
    const stdout = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
    const requests = requestLogger(createLogger({ level: 'info', isPretty: false }, new ReplacedStdout()));
    requests.info('first');
    requests.info('second');
    const writes = stdout.mock.calls.map(([text]) => String(text));
    stdout.mockRestore();
    expect(messagesOf(writes)).toEqual([['first'], ['second']]);
  });
});

const messagesOf = (writes: string[]): string[][] =>
  writes.map((text) => text.trimEnd().split('\n').map((line) => (JSON.parse(line) as { msg: string }).msg)); // prettier-ignore
