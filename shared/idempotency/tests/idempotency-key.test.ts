// What is a key, and what makes two requests the same one.
import { describe, expect, test } from 'vitest';
import { readIdempotencyKey } from '../idempotency-key.ts';

const fingerprint = (input: unknown) => readIdempotencyKey('k', 'ada POST /orders', input).fingerprint;

test.each(['k', '9f0e1c5a-order-1', '!', '~', 'x'.repeat(255), '"quoted"'])('%s is a key', (header) => {
  expect(readIdempotencyKey(header, 'ada POST /orders', {})).toMatchObject({ key: header, scope: 'ada POST /orders' });
});

test.each(['', ' ', 'a b', 'x'.repeat(256), 'é', 'a\tb', '\u007f', 'a\n'])('%j is none', (header) => {
  const problem = {
    kind: 'malformed',
    code: 'idempotency_key_invalid',
    faults: [{ pointer: '/header/idempotency-key' }],
  };
  expect(() => readIdempotencyKey(header, '', {})).toThrow(
    expect.objectContaining({ ...problem, faults: [expect.objectContaining(problem.faults[0])] }),
  );
});

test('no header at all is another mistake', () => {
  expect(() => readIdempotencyKey(undefined, '', {})).toThrow(
    expect.objectContaining({ code: 'idempotency_key_required' }),
  );
});

describe('the fingerprint', () => {
  test('is the same for the same input', () =>
    expect(fingerprint({ lines: [{ sku: 'A', quantity: 1 }] })).toBe(
      fingerprint({ lines: [{ sku: 'A', quantity: 1 }] }),
    ));

  test.each([
    [{ a: 1 }, { a: 2 }],
    [{ a: 1 }, { a: '1' }],
    [{}, undefined],
    [
      [1, 2],
      [2, 1],
    ],
    [{ a: null }, {}],
  ])('%j and %j differ', (one, other) => {
    expect(fingerprint(one)).not.toBe(fingerprint(other));
  });

  test('is there when nothing was sent', () => expect(fingerprint(undefined)).toMatch(/^[0-9a-f]{64}$/));
});
