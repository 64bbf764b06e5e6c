// Money by tables: the currencies of ISO 4217 with their minor units, and the tax on a line.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { currencyExponents, taxOf, UNIT_PRICE_MAX } from '../money.ts';

describe('the currencies', () => {
  test('are those in use, each once, three capital letters', () => {
    expect(currencyExponents.size).toBeGreaterThan(150);
    expect([...currencyExponents.keys()].filter((code) => !/^[A-Z]{3}$/.test(code))).toEqual([]);
  });

  /** The second group is where Intl, which follows CLDR, says something else. */
  test.each([
    ...([
      ['EUR', 2],
      ['USD', 2],
      ['JPY', 0],
      ['KRW', 0],
      ['CLP', 0],
      ['KWD', 3],
      ['BHD', 3],
      ['TND', 3],
      ['CLF', 4],
      ['UYW', 4],
    ] as const),
    ...([
      ['HUF', 2],
      ['IDR', 2],
      ['IQD', 3],
      ['TWD', 2],
      ['COP', 2],
      ['LAK', 2],
      ['MGA', 2],
      ['MRU', 2],
      ['ISK', 0],
    ] as const),
  ])('%s has %i digits', (code, digits) => expect(currencyExponents.get(code)).toBe(digits));

  test.each(['eur', 'XXX', 'XAU', 'BTC', 'DEM', 'toString', ''])('%j is none', (code) =>
    expect(currencyExponents.has(code)).toBe(false),
  );
});

describe('the tax on a line', () => {
  test.each([
    // quantity, unit, basis points, tax
    [1, 1000, 1900, 190],
    [3, 333, 1900, 190],
    [1, 5, 1000, 1],
    [1, 4, 1000, 0],
    [1, 1, 5000, 1],
    [1, 1, 4999, 0],
    [1, 25, 200, 1],
    [1, 24, 200, 0],
    [2, 1299, 700, 182],
    [1, 0, 1900, 0],
    [1, 1000, 0, 0],
    [1, 999, 10_000, 999],
    [10_000, UNIT_PRICE_MAX, 10_000, 10 ** 14],
    [9999, 9_999_999_999, 9999, 99_980_000_990_002],
  ])('%i × %i at %i bps is %i: half up, once', (quantity, unit, bps, tax) =>
    expect(taxOf(quantity, unit, bps)).toBe(tax),
  );

  test('is never further from the exact tax than half a minor unit', () => {
    const [quantity, unit, bps] = [
      fc.integer({ min: 1, max: 10_000 }),
      fc.integer({ min: 0, max: UNIT_PRICE_MAX }),
      fc.integer({ min: 0, max: 10_000 }),
    ];
    fc.assert(
      fc.property(quantity, unit, bps, (q, u, b) => {
        const error = BigInt(taxOf(q, u, b)) * 10_000n - BigInt(q) * BigInt(u) * BigInt(b);
        return error > -5000n && error <= 5000n;
      }),
    );
  });
});
