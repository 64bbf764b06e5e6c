// A failure carries its kind, its code and the facts that help, and nothing that was not given.
import { expect, test } from 'vitest';
import * as errors from '../app-error.ts';

const { AppError, ...throwers } = errors;

test.each(Object.entries(throwers))('%s makes an error of its kind', (name, make) => {
  const cause = new Error('why');
  const error = make('some_code', 'Some words.', { faults: [], facts: { allowed: [] }, retryAfterSeconds: 2, cause });
  expect(error).toBeInstanceOf(AppError);
  expect(error.kind.replaceAll('_', '')).toBe(name.toLowerCase());
  expect(error).toMatchObject({
    name: 'AppError',
    code: 'some_code',
    message: 'Some words.',
    faults: [],
    facts: { allowed: [] },
    retryAfterSeconds: 2,
    cause,
  });
});

test('what was not given is not there', () => {
  expect(errors.conflict('some_code', 'Some words.')).toMatchObject({
    faults: undefined,
    facts: undefined,
    retryAfterSeconds: undefined,
    cause: undefined,
  });
});
