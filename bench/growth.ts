// A shop that grows: placing orders among ten million and among ten thousand, and a list at its first page and at its thousandth.
import pg from 'pg';
import { fillShop } from '../scripts/generate/fill.ts';
import { encodeCursor } from '../shared/domain/page.ts';

import { atLeast, atMost, type Bench, type Findings, type Part } from './support/bench.ts';
import { compare, ratioOf, rowNamed, sectionOf, type Comparison } from './support/compare.ts';
import { requestOf } from './support/connection.ts';
import { ordersOf } from './support/deeds.ts';
import { overHttp } from './support/load.ts';
import { startWaybill, type Server } from './support/servers.ts';
import { openShop, type Shop } from './support/shop.ts';

export const growth: Part = {
  about: 'placing and listing among 10,000,000 orders; -- growth --orders 1000000 when time is short',
  measure,
};

const SMALL = 10_000;
const CLIENTS = 32;
const PAGE = 20;
const inWords = (count: number): string => count.toLocaleString('en-US');
const FIRST = 'page 1';
const DEEP = 'page 1000';

type World = { shop: Shop; name: string; databaseUrl: string; server: Server; seconds: number; size: string };

async function measure(bench: Bench): Promise<Findings> {
  const shop = await openShop(bench, bench.isShort ? { products: 4, customers: 4 } : {});
  const counts = bench.isShort ? { small: 300, large: 25_000 } : { small: SMALL, large: bench.orders ?? 10_000_000 };
  const small = await open(bench, shop, 'small', counts.small);
  const large = await open(bench, shop, 'large', counts.large);
  const lists = [await compareLists(bench, large, 'all orders', shop.adminToken)];
  const placing = await comparePlacing(bench, shop, [small, large]);
  return {
    sections: [
      sectionOf('Orders placed in a shop that has grown', 'growth-orders', [placing]),
      sectionOf(`Lists among ${inWords(counts.large)} orders, ${PAGE} a page`, 'growth-lists', lists),
    ],
    bars: bench.isShort ? [] : barsOf(placing, large.name, small.name, lists),
    notes: [small, large].map(
      ({ name, seconds, size }) => `${name}: made in ${Math.round(seconds)} s, ${size} on disk.`,
    ),
  };
}

async function open(bench: Bench, shop: Shop, database: string, orders: number): Promise<World> {
  const name = `among ${inWords(orders)}`;
  const databaseUrl = await shop.copyOf(database);
  const begin = performance.now();
  const onStep = (what: string, share: number) => bench.progress(`${inWords(orders)} orders: ${what}`, share);
  await fillShop({ connectionString: databaseUrl, orders, onStep });
  const seconds = (performance.now() - begin) / 1000;
  // What was written at once is not to be flushed while others are measured.
  await shop.postgres.sql('CHECKPOINT');
  const [row] = await shop.postgres.sql<{ size: string }>('SELECT pg_size_pretty(pg_database_size($1)) AS size', [database]); // prettier-ignore
  const server = await startWaybill(bench, { databaseUrl });
  return { shop, name, databaseUrl, server, seconds, size: row?.size ?? '' };
}

function comparePlacing(bench: Bench, shop: Shop, worlds: World[]): Promise<Comparison> {
  const variants = worlds.map(({ name, server }) => ({
    name,
    against: worlds[0]?.name ?? '',
    run: overHttp(server, { clients: CLIENTS, requests: ordersOf(bench, shop, false) }),
    serverPid: server.pid,
    databasePid: shop.databasePid,
  }));
  return compare(bench, `${CLIENTS} clients, 1000 SKUs`, variants);
}

async function compareLists(
  bench: Bench,
  { shop, databaseUrl, server }: World,
  title: string,
  token: string,
): Promise<Comparison> {
  const deep = encodeCursor(await lastOfPage(databaseUrl, 999));
  const variants = [[FIRST, ''], [DEEP, `&cursor=${deep}`]].map(([name = '', cursor]) => {
    const request = requestOf({ path: `/api/v1/orders?limit=${PAGE}${cursor}`, token });
    const run = overHttp(server, { clients: 4, requests: () => () => request });
    return { name, against: FIRST, run, serverPid: server.pid, databasePid: shop.databasePid };
  }); // prettier-ignore
  return compare(bench, title, variants);
}

/** Its keys: what a walk through all pages before would have come to. */
async function lastOfPage(connectionString: string, page: number): Promise<string[]> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  const { rows } = await client.query<{ placed_at: Date; id: string }>(
    'SELECT placed_at, id FROM orders.orders ORDER BY placed_at DESC, id DESC OFFSET $1 LIMIT 1',
    [page * PAGE - 1],
  );
  await client.end();
  const [last] = rows;
  if (last === undefined) throw new Error(`there is no page ${page}`);
  return [last.placed_at.toISOString(), last.id];
}

function barsOf(placing: Comparison, large: string, small: string, lists: Comparison[]) {
  const placed = rowNamed(placing, large).ratio?.median ?? Number.NaN;
  return [
    atLeast(0.9, placed, { what: `place orders ${large}, against ${small}`, unit: '×' }),
    ...lists.map((list) =>
      atMost(1.5, ratioOf(list, DEEP, FIRST, ({ p50Ms }) => p50Ms), { what: `list ${list.title} ${large}: median latency of ${DEEP} against ${FIRST}`, unit: '×' }),
    ),
  ]; // prettier-ignore
}
