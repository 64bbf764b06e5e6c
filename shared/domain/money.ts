// Money: integer minor units of one ISO 4217 currency, and the arithmetic that never leaves the integers.

/** ISO 4217 codes in use whose minor unit is not 1/100. `Intl` differs for HUF, IDR, IQD and others, so the table is ours. */
const otherExponents: Record<string, number> = {
  BHD: 3, BIF: 0, CLF: 4, CLP: 0, DJF: 0, GNF: 0, IQD: 3, ISK: 0, JOD: 3, JPY: 0, KMF: 0, KRW: 0, KWD: 3, LYD: 3,
  OMR: 3, PYG: 0, RWF: 0, TND: 3, UGX: 0, UYI: 0, UYW: 4, VND: 0, VUV: 0, XAF: 0, XOF: 0, XPF: 0,
}; // prettier-ignore

const twoDigits =
  'AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW CNY COP ' +
  'CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR ' +
  'JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN ' +
  'NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP ' +
  'SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UZS VED VES WST XCD XCG YER ZAR ZMW ZWG';

/** Digits after the decimal point, by currency code. */
export const currencyExponents: ReadonlyMap<string, number> = new Map([
  ...twoDigits.split(' ').map((code): [string, number] => [code, 2]),
  ...Object.entries(otherExponents),
]);

/** Minor units: 1299 EUR is 12.99 €, 1299 JPY is ¥1299. */
export type Money = { amount: number; currency: string };

export const UNIT_PRICE_MAX = 10 ** 10;

/**
 * The tax on one line: `round(quantity × unit × rate / 10 000)`, half up, rounded once. Computed in BigInt because
 * 10 000 × 10^10 × 10 000 is beyond 2^53.
 */
export function taxOf(quantity: number, unitAmount: number, taxRateBps: number): number {
  const scaled = BigInt(quantity) * BigInt(unitAmount) * BigInt(taxRateBps);
  return Number((scaled + 5000n) / 10000n);
}
