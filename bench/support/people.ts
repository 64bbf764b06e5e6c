// The people of a shop on one day: who they are, how many of each, and what each of them asks for, one thing after the other.
import { createHmac, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { randomOnce } from '../../deploy/drills/support/world.ts';
import { Connection, headerOf, requestOf, type Question } from './connection.ts';
import { failureOf, Tally, type Load } from './load.ts';
import type { Customer, Shop } from './shop.ts';
import { chance } from './statistics.ts';

/** A minute is a day: between two clicks nobody thinks for longer than this, in milliseconds. */
const THINKING_MAX_MS = 100;
/** Whoever is turned away gives up for so long at most, whatever was told. */
const GIVE_UP_MAX_MS = 2000;
/** The books are fetched so often: a dozen times a day. */
const EXPORT_EVERY_MS = 5000;

type Person = {
  shop: Shop;
  customer: Customer;
  random: () => number;
  /** Null: it was refused. */
  ask: <Data>(deed: string, question: Question) => Promise<Data | null>;
  /** What this one buys. */
  sku: () => string;
};

type Visit = (person: Person) => Promise<void>;

/** Of a hundred who come in, so many come for this. */
export type Day = { title: string; visits: [share: number, visit: Visit][]; isSale: boolean };

export const days: Record<string, Day> = {
  steady: { title: 'a usual day', isSale: false, visits: [[60, browse], [27, buy], [5, comeBack], [8, serve]] },
  sale: { title: 'a flash sale of one SKU', isSale: true, visits: [[25, browse], [67, buy], [5, comeBack], [3, serve]] },
}; // prettier-ignore

async function browse({ ask, random, shop }: Person): Promise<void> {
  await ask('browse: list', { path: '/api/v1/products' });
  for (let i = 0; i < 4; i++)
    await ask('browse: product', { path: `/api/v1/products/${oneOf(shop.productIds, random)}` });
  await ask('browse: search', { path: `/api/v1/products?q=mug+${Math.floor(random() * 100)}` });
}

type Order = { id: string };
type Payment = { id: string; amount: { amount: number } };

async function buy({ ask, random, shop, customer: { token }, sku }: Person): Promise<void> {
  const lines = [{ sku: sku(), quantity: 1 }];
  await ask('browse: product', { path: `/api/v1/products/${oneOf(shop.productIds, random)}` });
  await ask('order: quote', { method: 'POST', path: '/api/v1/orders/quote', token, body: { lines } });
  const order = await ask<Order>('order: place', writing({ path: '/api/v1/orders', token, body: { lines } }));
  if (order === null) return;
  const body = { token: random() < 0.5 ? 'tok_ok' : 'tok_duplicate_webhook' };
  const payment = await ask<Payment>('pay', writing({ path: `/api/v1/orders/${order.id}/payments`, token, body }));
  if (payment !== null) await ask('webhook', eventOf(payment));
  await ask('order: read', { path: `/api/v1/orders/${order.id}`, token });
}

async function comeBack({ ask, customer: { email, password, token } }: Person): Promise<void> {
  await ask('log in', { method: 'POST', path: '/api/v1/auth/login', body: { email, password } });
  await ask('order: list', { path: '/api/v1/orders', token });
}

async function serve({ ask, random, shop }: Person): Promise<void> {
  const token = shop.adminToken;
  const orders = await ask<Order[]>('staff: orders', { path: '/api/v1/orders?status=confirmed', token });
  const order = orders === null ? undefined : oneOf(orders, random);
  if (order !== undefined) {
    await ask('staff: order', { path: `/api/v1/orders/${order.id}`, token });
    await ask(
      'staff: send',
      writing({ path: `/api/v1/orders/${order.id}/fulfillments`, token, body: { carrier: 'DHL' } }),
    );
  }
  const body = { sku: oneOf(shop.skus, random), delta: 1, reason: 'Delivery' };
  await ask('staff: stock', writing({ path: '/api/v1/stock/adjustments', token, body }));
}

const writing = (question: Question): Question => ({
  ...question,
  method: 'POST',
  headers: { 'Idempotency-Key': randomUUID() },
});

/** What a provider tells once more, under another id: nothing changes by it, but that has to be found out. */
function eventOf({ id, amount: { amount } }: Payment): Question {
  const charge = {
    id,
    status: 'captured',
    amountMinor: amount,
    capturedMinor: amount,
    refundedMinor: 0,
    declineReason: null,
  };
  const body = { id: `evt_${randomUUID()}`, type: 'charge.updated', charge };
  const at = Math.floor(Date.now() / 1000);
  const signature = createHmac('sha256', randomOnce.provider)
    .update(`${at}.${JSON.stringify(body)}`)
    .digest('hex');
  const headers = { 'Waybill-Test-Signature': `t=${at},v1=${signature}` };
  return { method: 'POST', path: '/api/v1/payments/webhooks/test', headers, body };
}

function oneOf<Item>(items: Item[], random: () => number): Item {
  return items[Math.floor(random() * items.length)] as Item;
}

type Scene = { shop: Shop; port: number; day: Day; people: number; ms: number; seed: number };

export async function letThemIn(scene: Scene): Promise<{ deeds: Map<string, Load>; whole: Load }> {
  const begin = performance.now();
  const tallies = new Map<string, Tally>();
  const whole = new Tally();
  const talliesOf = (deed: string) => {
    const own = tallies.get(deed) ?? new Tally();
    tallies.set(deed, own);
    return [own, whole];
  };
  const crowd = Array.from({ length: scene.people }, (_, i) => comeAndGo(scene, i, begin + scene.ms, talliesOf));
  await Promise.all([...crowd, keepBooks(scene, begin + scene.ms, talliesOf)]);
  const ms = performance.now() - begin;
  const deeds = [...tallies].toSorted(([one], [other]) => one.localeCompare(other));
  return { deeds: new Map(deeds.map(([deed, tally]) => [deed, tally.toLoad(ms)])), whole: whole.toLoad(ms) };
}

type TalliesOf = (deed: string) => Tally[];

/** One who leaves is followed by another. */
async function comeAndGo(
  { shop, port, day, seed }: Scene,
  nth: number,
  until: number,
  talliesOf: TalliesOf,
): Promise<void> {
  const random = chance(seed * 1000 + nth);
  const customer = shop.customers[nth % shop.customers.length] as Customer;
  const sku = () => (day.isSale ? (shop.skus[0] ?? '') : oneOf(shop.skus, random));
  let connection = await Connection.open(port);
  const ask = async <Data>(deed: string, question: Question): Promise<Data | null> => {
    await sleep(random() * THINKING_MAX_MS);
    if (!connection.isOpen) connection = await Connection.open(port);
    if (performance.now() > until) return null;
    return askOnce<Data>(connection, question, talliesOf(deed));
  };
  while (performance.now() < until) await drawn(day, random)({ shop, customer, random, ask, sku });
  connection.close();
}

function drawn({ visits }: Day, random: () => number): Visit {
  let left = random() * 100;
  for (const [share, visit] of visits) if ((left -= share) < 0) return visit;
  return browse;
}

async function askOnce<Data>(connection: Connection, question: Question, tallies: Tally[]): Promise<Data | null> {
  const begin = performance.now();
  const fail = (how: string) => tallies.forEach((tally) => tally.fail(how));
  const answer = await connection.ask(requestOf(question)).catch((error: NodeJS.ErrnoException) => fail(error.code ?? error.message)); // prettier-ignore
  if (answer === undefined) return null;
  const isRefused = answer.status >= 400;
  if (isRefused) fail(failureOf(answer));
  else tallies.forEach((tally) => tally.succeed(performance.now() - begin));
  if (answer.status === 503)
    await sleep(Math.min(Number(headerOf(answer.head, 'retry-after') ?? 0) * 1000, GIVE_UP_MAX_MS));
  return isRefused || answer.body.length === 0 ? null : (JSON.parse(answer.body.toString()) as { data: Data }).data;
}

/** A stream, which is more than Connection speaks. */
async function keepBooks({ shop, port }: Scene, until: number, talliesOf: TalliesOf): Promise<void> {
  const headers = { Authorization: `Bearer ${shop.adminToken}`, Accept: 'text/csv' };
  while (performance.now() < until) {
    const begin = performance.now();
    const response = await fetch(`http://127.0.0.1:${port}/api/v1/orders/export`, { headers });
    const body = Buffer.from(await response.arrayBuffer());
    for (const tally of talliesOf('staff: export'))
      if (response.ok) tally.succeed(performance.now() - begin);
      else tally.fail(failureOf({ status: response.status, body }));
    await sleep(Math.max(0, Math.min(EXPORT_EVERY_MS, until - performance.now())));
  }
}
