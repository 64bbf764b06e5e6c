// How large a generated shop is, and the names that its parts have: counted from the number of orders, so that a part can be made without the others.

export type Size = {
  orders: number;
  customers: number;
  products: number;
  /** ISO; the last order was placed then. All sessions of one run agree on it. */
  now: string;
  /** In every email and SKU, so that a second shop fits beside the first. */
  run: string;
  /** The numbers of order i are these and i, i times 8, i times 16 (and a little). */
  first: { order: number; transition: number; movement: number };
};

/** The shop is three years old and grows: half of its orders are of the last eleven months. */
export const SHOP_DAYS = 1095;
export const VARIANTS_PER_PRODUCT = 3;
/** The last part of all orders has left facts and keys behind; the purges have deleted those of the others. */
export const RECENT_SHARE = 0.05;

export const sizeOf = (orders: number, now: Date, first: Size['first']): Size => ({
  orders,
  customers: Math.max(50, Math.round(orders / 5)),
  products: Math.min(20_000, Math.max(100, Math.round(orders / 500))),
  now: now.toISOString(),
  run: now.getTime().toString(36),
  first,
});

/** Three hex digits in the middle of an id. */
const kinds = {
  order: '001',
  line: '002',
  payment: '003',
  fulfillment: '004',
  movement: '005',
  customer: '006',
  session: '007',
  address: '008',
  refund: '009',
  fact: '00a',
  entry: '00b',
  product: '00c',
  variant: '00d',
  apiKey: '00e',
  transition: '00f',
} as const;
type Kind = keyof typeof kinds;

/** SQL of a UUIDv7 of this moment that anybody can work out again: no random part, but a kind and a number. */
export const idOf = (kind: Kind, at: string, number: string): string => idIn(kind, headOf(at), number);

/** The same, when the moment was turned into the head of its ids before: that is most of the work. */
export const idIn = (kind: Kind, head: string, number: string): string =>
  `(${head} || '${kinds[kind]}' || lpad(to_hex(${number}), 12, '0'))::uuid`;

export const headOf = (at: string): string =>
  `(lpad(to_hex((extract(epoch FROM ${at}) * 1000)::bigint), 12, '0') || '70008')`;

/** SQL: customers came in the year before the first order, one after the other. */
export function customerAt(number: string, { customers, now }: Size): string {
  return `(timestamptz '${now}' - interval '${SHOP_DAYS + 366} days' + (${number}) * (interval '365 days' / ${customers}))`;
}

export const customerId = (number: string, size: Size): string => idOf('customer', customerAt(number, size), number);

export const API_KEYS = 20;
/** Its head is worked out here: once, and not for every row. */
export const apiKeyId = (number: string, { now }: Size): string =>
  idIn('apiKey', `'${Date.parse(now).toString(16).padStart(12, '0')}70008'`, number);

export const skuOf = (number: string, { run }: Size): string =>
  `('GEN-${run}-' || lpad((${number})::text, 6, '0')) COLLATE "C"`;

export const skusOf = ({ products }: Size): number => products * VARIANTS_PER_PRODUCT;
