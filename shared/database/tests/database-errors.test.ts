// What each error of PostgreSQL and of its driver means to a caller, as a table.
import { describe, expect, test } from 'vitest';
import { AppError, conflict, unavailable } from '../../errors/app-error.ts';
import { asAppError, codeOf, isBrokenConnection, isOutage, isRetryable } from '../database-errors.ts';

const failure = (code: string | undefined, message = 'failed') =>
  Object.assign(new Error(message), code === undefined ? {} : { code });

const table: [string, Error, { broken: boolean; retryable: boolean; later: boolean }][] = [
  ['connection exception', failure('08006'), { broken: true, retryable: false, later: true }],
  ['connection does not exist', failure('08003'), { broken: true, retryable: false, later: true }],
  ['terminated by an administrator', failure('57P01'), { broken: true, retryable: false, later: true }],
  ['crash of another backend', failure('57P02'), { broken: true, retryable: false, later: true }],
  ['starting up', failure('57P03'), { broken: true, retryable: false, later: true }],
  ['database dropped', failure('57P04'), { broken: true, retryable: false, later: true }],
  ['idle session ended', failure('57P05'), { broken: true, retryable: false, later: true }],
  ['disk full', failure('53100'), { broken: true, retryable: false, later: true }],
  ['too many connections', failure('53300'), { broken: true, retryable: false, later: true }],
  ['statement time-out', failure('57014'), { broken: false, retryable: false, later: true }],
  ['lock time-out', failure('55P03'), { broken: false, retryable: false, later: true }],
  ['read-only standby', failure('25006'), { broken: false, retryable: false, later: true }],
  ['serialization failure', failure('40001'), { broken: false, retryable: true, later: true }],
  ['deadlock', failure('40P01'), { broken: false, retryable: true, later: true }],
  ['refused', failure('ECONNREFUSED'), { broken: true, retryable: false, later: true }],
  ['reset', failure('ECONNRESET'), { broken: true, retryable: false, later: true }],
  ['no socket file', failure('ENOENT'), { broken: true, retryable: false, later: true }],
  ['name not found', failure('ENOTFOUND'), { broken: true, retryable: false, later: true }],
  ['the driver gave up', failure(undefined, 'Query read timeout'), { broken: true, retryable: false, later: true }],
  [
    'cut off',
    failure(undefined, 'Connection terminated unexpectedly'),
    { broken: true, retryable: false, later: true },
  ],
  [
    'no connection in time',
    failure(undefined, 'timeout exceeded when trying to connect'),
    { broken: true, retryable: false, later: true },
  ],
  [
    'after the end',
    failure(undefined, 'Cannot use a pool after calling end on the pool'),
    { broken: true, retryable: false, later: true },
  ],
  ['unique violation', failure('23505'), { broken: false, retryable: false, later: false }],
  ['check violation', failure('23514'), { broken: false, retryable: false, later: false }],
  ['no privilege', failure('42501'), { broken: false, retryable: false, later: false }],
  ['no such table', failure('42P01'), { broken: false, retryable: false, later: false }],
  ['not a number', failure('22P02'), { broken: false, retryable: false, later: false }],
  ['a defect', new TypeError('x is not a function'), { broken: false, retryable: false, later: false }],
  [
    'a refusal of ours',
    conflict('price_changed', 'Connection terminated'),
    { broken: false, retryable: false, later: false },
  ],
];

test.each(table)('%s', (_name, error, { broken, retryable, later }) => {
  expect([isBrokenConnection(error), isRetryable(error)]).toEqual([broken, retryable]);
  const told = asAppError(error);
  // What concerns only those who want the same rows is no outage.
  expect(isOutage(told)).toBe(later && !retryable && codeOf(error) !== '55P03');
  if (!later) expect(told).toBe(error);
  else
    expect(told).toMatchObject({
      kind: 'unavailable',
      code: 'database_unavailable',
      retryAfterSeconds: 1,
      cause: error,
    });
});

describe('besides', () => {
  test('what was mapped is still known to be worth another try', () => {
    expect(isRetryable(asAppError(failure('40P01')))).toBe(true);
    expect(isRetryable(unavailable('database_unavailable', 'x'))).toBe(false);
  });

  test.each([undefined, null, 'text', 5, {}])('%j thrown is no database error', (thrown) => {
    expect([codeOf(thrown), isBrokenConnection(thrown), isRetryable(thrown), asAppError(thrown)]).toEqual([
      '',
      false,
      false,
      thrown,
    ]);
  });

  test('a code that is no text is none', () => expect(codeOf(Object.assign(new Error('x'), { code: 7 }))).toBe(''));

  test('an AppError is never taken for a lost connection', () =>
    expect(isBrokenConnection(new AppError('conflict', 'ECONNRESET', 'Query read timeout'))).toBe(false));
});
