// What the demo shop is: products, customers, and orders with their fates, the same ones at every run; nothing is done here.

export type Fate =
  | 'pending'
  | 'asked_back'
  | 'expired'
  | 'cancelled'
  | 'paid_and_cancelled'
  | 'confirmed'
  | 'authorized'
  | 'sent_in_part'
  | 'sent'
  | 'delivered'
  | 'refunded_in_part'
  | 'returned_line'
  | 'refunded';

export type PlannedProduct = {
  title: string;
  description: string;
  variants: {
    sku: string;
    title: string;
    price: { amount: number; currency: string };
    taxRateBps: number;
    onHand: number;
  }[];
};
export type PlannedOrder = {
  /** Also how a second run knows that it is there. */
  note: string;
  fate: Fate;
  customer: number;
  lines: { sku: string; quantity: number }[];
  ageHours: number;
};
export type Plan = { products: PlannedProduct[]; customers: number; orders: PlannedOrder[] };

/** Every SKU of the demo shop begins with it. */
const SKU_PREFIX = 'DEMO';
const CUSTOMERS = 25;
const LATE_HOURS = 9 * 24;

const things: [string, string, number][] = [
  ['mug', 'Holds tea, and keeps it warm for a while.', 1290],
  ['bowl', 'For soup, for salad, for keys at the door.', 1690],
  ['plate', 'Flat, round, and easy to stack.', 1490],
  ['teapot', 'Pours without a drop on the table.', 4900],
  ['kettle', 'Whistles when it is time.', 5900],
  ['apron', 'With a pocket for the recipe.', 2490],
  ['towel', 'Dries glasses without a streak.', 890],
  ['board', 'Takes the knife, spares the table.', 2990],
  ['lamp', 'Warm light for a long evening.', 7900],
  ['candle', 'Burns for about forty hours.', 990],
];
const colours = ['blue', 'red', 'green', 'sand'];
/** One currency a series, so that an order of one series is an order in one currency. */
const series = [
  { name: 'Classic', currency: 'EUR', taxRateBps: 1900, factor: 1 },
  { name: 'Travel', currency: 'USD', taxRateBps: 0, factor: 1.1 },
  { name: 'Garden', currency: 'GBP', taxRateBps: 2000, factor: 0.9 },
  // Yen have no minor unit.
  { name: 'Studio', currency: 'JPY', taxRateBps: 1000, factor: 1.6 },
];

/** How many orders meet each fate; with the late one they are 200. */
const fates: [Fate, number][] = [
  ['pending', 10],
  ['asked_back', 4],
  ['confirmed', 26],
  ['authorized', 8],
  ['sent_in_part', 14],
  ['sent', 26],
  ['delivered', 68],
  ['refunded_in_part', 6],
  ['returned_line', 8],
  ['refunded', 5],
  ['cancelled', 8],
  ['paid_and_cancelled', 6],
  ['expired', 10],
];
/** Still to be sent or paid: these are two days old at most, all but one. */
const open: Fate[] = ['pending', 'asked_back', 'confirmed', 'authorized', 'sent_in_part'];

type Random = () => number;

export function planShop(seed: number): Plan {
  const random = randomFrom(seed);
  const products = series.flatMap((one) => things.map((thing) => planProduct(one, thing, random)));
  const orders = fates.flatMap(([fate, count]) =>
    Array.from({ length: count }, () => planOrder(fate, products, random)),
  );
  // Oldest first, as the ids of orders are made.
  const inTime = [...orders, lateOrder].toSorted((one, other) => other.ageHours - one.ageHours);
  return {
    products,
    customers: CUSTOMERS,
    orders: inTime.map((order, i) => ({ ...order, note: `Demo order ${i + 1}` })),
  };
}

/** Paid nine days ago, and nobody has sent it: the README's second story is about it. */
const lateOrder: Omit<PlannedOrder, 'note'> = {
  fate: 'confirmed',
  customer: 0,
  lines: [
    { sku: `${SKU_PREFIX}-EUR-TEAPOT-BLUE`, quantity: 1 },
    { sku: `${SKU_PREFIX}-EUR-MUG-BLUE`, quantity: 4 },
  ],
  ageHours: LATE_HOURS,
};

function planProduct(
  { name, currency, taxRateBps, factor }: (typeof series)[number],
  [thing, description, base]: (typeof things)[number],
  random: Random,
): PlannedProduct {
  const variants = colours.slice(0, 1 + below(3, random)).map((colour) => ({
    sku: `${SKU_PREFIX}-${currency}-${thing}-${colour}`.toUpperCase(),
    title: colour,
    price: { amount: Math.round(base * factor), currency },
    taxRateBps,
    onHand: 100 + below(300, random),
  }));
  return { title: `${name} ${thing}`, description, variants };
}

function planOrder(fate: Fate, products: PlannedProduct[], random: Random): Omit<PlannedOrder, 'note'> {
  const first = below(series.length, random) * things.length;
  const shelf = shuffled(products.slice(first, first + things.length), random);
  const lines = shelf.slice(0, 1 + below(4, random)).map(({ variants }) => ({
    sku: variants[below(variants.length, random)]?.sku ?? '',
    // Two at least, so that a part can be sent and one can come back.
    quantity: 2 + below(2, random),
  }));
  const ageHours = open.includes(fate) ? 1 + random() * 44 : 72 + random() * 60 * 24;
  return { fate, customer: below(CUSTOMERS, random), lines, ageHours };
}

const below = (end: number, random: Random): number => Math.floor(random() * end);

function shuffled<Item>(items: Item[], random: Random): Item[] {
  return items
    .map((item) => ({ item, at: random() }))
    .toSorted((one, other) => one.at - other.at)
    .map(({ item }) => item);
}

/** mulberry32: small, and the same on every machine. */
function randomFrom(seed: number): Random {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
