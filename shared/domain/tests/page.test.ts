// Cursors: ours come back as they went, everything else is refused.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeCursor, encodeCursor, toPage } from '../page.ts';

const anything = () => true;
const isNumber = (key: string) => /^\d+$/.test(key);

test('a cursor comes back as it went, whatever its keys are', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'grapheme' }), { minLength: 1, maxLength: 4 }), (keys) => {
      const cursor = encodeCursor(keys);
      expect(cursor).toMatch(/^[\w-]+$/);
      expect(
        decodeCursor(
          cursor,
          keys.map(() => anything),
        ),
      ).toEqual(keys);
    }),
  );
});

const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

test.each([
  ['not of base64', '%%%'],
  ['empty', ''],
  ['not JSON', Buffer.from('{').toString('base64url')],
  ['no list', encoded({ length: 1, 0: '1' })],
  ['null', encoded(null)],
  ['a text', encoded('1')],
  ['too short', encoded([])],
  ['too long', encoded(['1', '2'])],
  ['a number, not a text', encoded([1])],
  ['a list in a list', encoded([['1']])],
  ['refused by its check', encoded(['one'])],
])('%s is not one of ours', (_name, cursor) => {
  const faults = [{ pointer: '/query/cursor', code: 'cursor_invalid', message: expect.any(String) as string }];
  expect(() => decodeCursor(cursor, [isNumber])).toThrow(
    expect.objectContaining({ kind: 'malformed', code: 'cursor_invalid', faults }),
  );
});

describe('a page', () => {
  const rows = (count: number) => Array.from({ length: count }, (_one, i) => ({ id: String(i) }));
  const page = (count: number) => toPage(rows(count), 3, ({ id }) => [id]);

  test.each([
    [0, 0, null],
    [2, 2, null],
    [3, 3, null],
    [4, 3, encodeCursor(['2'])],
  ])('of %i rows fetched shows %i and leads to %s', (fetched, shown, nextCursor) => {
    expect([page(fetched).items.length, page(fetched).nextCursor]).toEqual([shown, nextCursor]);
  });

  test('with a limit of none leads nowhere', () =>
    expect(toPage(rows(1), 0, ({ id }) => [id])).toEqual({ items: [], nextCursor: null }));
});

test.each([
  ['the first key', ['x', '1']],
  ['the last key', ['1', 'x']],
])('a cursor is not one of ours when %s is not', (_which, keys) => {
  expect(() => decodeCursor(encodeCursor(keys), [isNumber, isNumber])).toThrow(
    expect.objectContaining({ code: 'cursor_invalid' }),
  );
});
