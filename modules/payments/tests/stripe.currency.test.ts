// Amounts as Stripe counts them, currency by currency.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { currencyExponents } from '../../../shared/domain/money.ts';
import { toMinor, toUnits } from '../providers/stripe.currency.ts';

/** https://docs.stripe.com/currencies#zero-decimal */
const zeroDecimal = 'BIF CLP DJF GNF JPY KMF KRW PYG RWF VND VUV XAF XOF XPF'.split(' ');

describe("Stripe's amount", () => {
  it.each([
    ['two digits at both', 'EUR', 1299, 1299],
    ['two digits at both', 'USD', 1, 1],
    ['two digits in charges, though none in payouts', 'HUF', 1045, 1045],
    ['two digits in charges, though none in payouts', 'TWD', 80_045, 80_045],
    ['none in ISO 4217, two at Stripe', 'ISK', 5, 500],
    ['none in ISO 4217, two at Stripe', 'UGX', 5, 500],
    ['two in ISO 4217, none at Stripe', 'MGA', 500_000, 5000],
    ['three digits, the last one 0', 'KWD', 5120, 5120],
  ])('%s: %s %i is %i', (_rule, currency, minor, units) => {
    expect(toUnits({ amount: minor, currency })).toEqual({ units });
    expect(toMinor(units, currency)).toBe(minor);
  });

  it.each(zeroDecimal)('%s has no digits at either side', (currency) => {
    expect(currencyExponents.get(currency)).toBe(0);
    expect(toUnits({ amount: 500, currency })).toEqual({ units: 500 });
  });

  it.each([
    ['BHD', 5124],
    ['JOD', 5124],
    ['KWD', 5124],
    ['OMR', 5124],
    ['TND', 5124],
    ['MGA', 150],
  ])('is refused rather than rounded: %s %i', (currency, amount) => {
    expect(toUnits({ amount, currency })).toEqual({ refusal: 'amount_not_representable' });
  });

  it.each(['IQD', 'LYD', 'CLF', 'UYW', 'UYI', 'XXX', 'eur', 'constructor'])('%s is not supported', (currency) => {
    expect(toUnits({ amount: 100, currency })).toEqual({ refusal: 'currency_not_supported' });
  });

  it('of a currency that we never charged is taken as it is', () => {
    expect(toMinor(100, 'IQD')).toBe(100);
  });

  it('leads back to ours, for every currency and amount that it takes', () => {
    const currency = fc.constantFrom(...currencyExponents.keys());
    fc.assert(
      fc.property(currency, fc.integer({ min: 0, max: 10 ** 12 }), (code, amount) => {
        const asked = toUnits({ amount, currency: code });
        if ('refusal' in asked) return;
        expect(Number.isSafeInteger(asked.units)).toBe(true);
        expect(toMinor(asked.units, code)).toBe(amount);
      }),
    );
  });

  it('is one to one for every currency of two digits but MGA', () => {
    const twoDigits = [...currencyExponents].filter(([code, digits]) => digits === 2 && code !== 'MGA');
    for (const [currency] of twoDigits) expect(toUnits({ amount: 1234, currency })).toEqual({ units: 1234 });
  });
});
