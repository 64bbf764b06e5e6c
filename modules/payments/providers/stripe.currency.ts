// Amounts as Stripe counts them: its minor units are not those of ISO 4217 for every currency.
import { currencyExponents, type Money } from '../../../shared/domain/money.ts';

/** Stripe's amount is ours × `times` ÷ `per`; ours has to be a multiple of `step`. */
type Rule = { times: number; per: number; step: number };

const same: Rule = { times: 1, per: 1, step: 1 };
/** No digits in ISO 4217, and two at Stripe for the sake of old clients: 5 ISK is 500. */
const twoMoreDigits: Rule = { times: 100, per: 1, step: 1 };
/** Two digits in ISO 4217, none at Stripe. */
const wholeOnly: Rule = { times: 1, per: 100, step: 100 };
/** Three digits at both, but Stripe wants the last one to be 0, in refunds too. */
const lastDigitZero: Rule = { times: 1, per: 1, step: 10 };

/**
 * https://docs.stripe.com/currencies, the lists "zero-decimal", "three-decimal" and "special cases", as of November 2026.
 * HUF and TWD are special in payouts only: charges have two digits, as in ISO 4217. Stripe's other zero-decimal
 * currencies (BIF, CLP, DJF, GNF, JPY, KMF, KRW, PYG, RWF, VND, VUV, XAF, XOF, XPF) have none in ISO 4217 either.
 */
const otherRules = new Map<string, Rule | null>(
  Object.entries({
    ISK: twoMoreDigits,
    UGX: twoMoreDigits,
    MGA: wholeOnly,
    BHD: lastDigitZero,
    JOD: lastDigitZero,
    KWD: lastDigitZero,
    OMR: lastDigitZero,
    TND: lastDigitZero,
    // Not of two digits in ISO 4217, and on none of the lists: a guess could charge a hundred times too much.
    CLF: null,
    IQD: null,
    LYD: null,
    UYI: null,
    UYW: null,
  }),
);

export type AmountRefusal = 'currency_not_supported' | 'amount_not_representable';

/** Refused rather than rounded: an order is paid to the last minor unit. */
export function toUnits({ amount, currency }: Money): { units: number } | { refusal: AmountRefusal } {
  const rule = ruleOf(currency);
  if (rule === null) return { refusal: 'currency_not_supported' };
  const { times, per, step } = rule;
  return amount % step === 0 ? { units: (amount * times) / per } : { refusal: 'amount_not_representable' };
}

/** @param currency in capitals, one that was charged before */
export function toMinor(units: number, currency: string): number {
  const { times, per } = ruleOf(currency) ?? same;
  return Math.round((units * per) / times);
}

const ruleOf = (currency: string): Rule | null => {
  const rule = otherRules.get(currency);
  if (rule !== undefined) return rule;
  return currencyExponents.has(currency) ? same : null;
};
