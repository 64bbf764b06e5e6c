// Schemas that every module's requests and answers are built from.
import { z } from 'zod';
import { currencyExponents, UNIT_PRICE_MAX } from '../domain/money.ts';

/**
 * Text of a person's, counted as JSON Schema does: an emoji is one character, not the two units of UTF-16.
 * NUL and lone surrogates are refused for every string of a request, in parse.ts.
 */
export const text = (lengthMax: number) =>
  z
    .string()
    .trim()
    .min(1)
    .refine((text) => lengthOf(text) <= lengthMax, {
      error: `At most ${lengthMax} characters.`,
      params: { code: 'too_big' },
    })
    .meta({ override: { type: 'string', minLength: 1, maxLength: lengthMax, pattern: String.raw`\S` } });

const lengthOf = (text: string): number => Array.from(text).length;

/** In one spelling, as PostgreSQL tells it: what is remembered or looked for by id has one key. */
export const id = z
  .uuid({ version: 'v7' })
  .toLowerCase()
  .meta({ description: 'UUIDv7', examples: ['01939d3a-7c1e-7b1a-8f00-000000000001'] });
export const idParams = z.strictObject({ id });

export const currency = z
  .string()
  .refine((code) => currencyExponents.has(code), { error: 'Not an ISO 4217 currency code in use.' })
  .meta({
    id: 'Currency',
    description: 'ISO 4217 code',
    examples: ['EUR'],
    override: { type: 'string', enum: [...currencyExponents.keys()] },
  });

/** Minor units: 1299 EUR is 12.99 €. */
export const price = z.strictObject({ amount: z.int().min(0).max(UNIT_PRICE_MAX), currency }).meta({ id: 'Price' });

/** What goes out may exceed a price: it is a sum. */
export const money = z
  .object({ amount: z.int(), currency })
  .meta({ id: 'Money', description: 'Integer minor units by the exponent of ISO 4217' });

export const sku = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, {
    error: '1 to 64 of letters, digits, dot, underscore and hyphen, the first a letter or digit.',
  })
  .meta({ examples: ['MUG-BLUE'] });

/** Where an order is sent, and what an account keeps. */
export const shippingAddress = z
  .strictObject({
    name: text(200),
    line1: text(200),
    line2: text(200).optional(),
    city: text(100),
    region: text(100).optional(),
    postalCode: text(20).optional(),
    country: z.string().regex(/^[A-Z]{2}$/, { error: 'Two capital letters (ISO 3166-1).' }),
  })
  .meta({
    id: 'ShippingAddress',
    examples: [
      { name: 'Ada Lovelace', line1: '12 St James’s Square', city: 'London', postalCode: 'SW1Y 4LB', country: 'GB' },
    ],
  });

/** As it goes out: RFC 3339, UTC. */
export const timestamp = z.iso.datetime().meta({ examples: ['2026-11-21T10:00:00.000Z'] });

/** As it comes in, with any offset; PostgreSQL takes none beyond 15:59 and has no year 0, so it is told UTC. */
export const instant = z.iso
  .datetime({ offset: true })
  .refine(isOfOurEra, { error: 'A time between the years 1 and 9999.' })
  .transform((text) => new Date(text).toISOString());

function isOfOurEra(text: string): boolean {
  const year = new Date(text).getUTCFullYear();
  return year >= 1 && year <= 9999;
}

export const version = z.int().meta({ description: 'Counts the changes; also the ETag' });

export const pageQuery = {
  limit: z
    .string()
    .regex(/^\d{1,3}$/, { error: 'A whole number from 1 to 100.' })
    .transform(Number)
    .pipe(z.int().min(1).max(100))
    .optional()
    .meta({
      description: 'How many at most',
      override: { type: 'integer', minimum: 1, maximum: 100, default: 20, examples: [20] },
    }),
  cursor: z
    .string()
    .min(1)
    .max(512)
    .optional()
    .meta({
      description: '`page.nextCursor` of the page before',
      examples: ['WyIwMTkzOWQzYS03YzFlLTdiMWEtOGYwMC0wMDAwMDAwMDAwMDEiXQ'],
    }),
};
export const PAGE_LIMIT_DEFAULT = 20;

export const noBody = z.strictObject({}).optional();

/** For cursors, which come back from outside. */
export const isUuid = (value: string): boolean => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(value);
/** For cursors too: as `toISOString` wrote it, and nothing that PostgreSQL would refuse. */
export function isInstant(value: string): boolean {
  const time = new Date(value);
  return !Number.isNaN(time.getTime()) && time.toISOString() === value && isOfOurEra(value);
}
