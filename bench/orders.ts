// Placing orders, spread over 1000 SKUs and all on one, by 1 to 128 clients: against the seven statements that it takes at the least.
import { atLeast, atMost, type Bar, type Bench, type Findings, type Part } from './support/bench.ts';
import { compare, ratioOf, rowNamed, sectionOf, type Comparison, type Variant } from './support/compare.ts';
import { ordersOf } from './support/deeds.ts';
import { overHttp } from './support/load.ts';
import { startWaybill, type Server } from './support/servers.ts';
import { openShop, type Shop } from './support/shop.ts';
import {
  independentStatements,
  makeYardstickTables,
  oneStatement,
  sevenStatements,
  type Values,
} from './support/statements.ts';
import { hasPgbench, withOurClients, withPgbench, type Yardstick } from './support/yardstick-clients.ts';

export const orders: Part = { about: 'placing orders, spread and on one SKU, 1 to 128 clients', measure };

const UNBATCHED = 'Waybill, each order alone';
/** What is configured otherwise in each: a line a variant. */
const waybills: Record<string, Record<string, string>> = {
  Waybill: {},
  [UNBATCHED]: { ORDER_BATCH_MAX: '1' },
};

const isPgbenchThere = hasPgbench();
const YARDSTICK = isPgbenchThere ? 'pgbench, 7 statements' : 'pg, 7 statements';

type World = { shop: Shop; servers: Map<string, Server>; yardsticks: { databaseUrl: string; values: Values } };

async function measure(bench: Bench): Promise<Findings> {
  const world = await open(bench);
  const counts = bench.isShort ? [4] : [1, 8, 32, 128];
  const spread: Comparison[] = [];
  const hot: Comparison[] = [];
  for (const clients of counts) spread.push(await measureOnce(bench, world, clients, false));
  for (const clients of counts) hot.push(await measureOnce(bench, world, clients, true));
  return {
    sections: [
      sectionOf('Orders spread over 1000 SKUs', 'orders-spread', spread),
      sectionOf('Orders on one SKU', 'orders-hot', hot),
    ],
    bars: bench.isShort ? [] : barsOf(spread, hot),
    notes: [
      `The yardstick is ${YARDSTICK}, one by one in a transaction, over tables made like Waybill's and filled with the same bytes.`,
    ],
  };
}

async function open(bench: Bench): Promise<World> {
  const shop = await openShop(bench, bench.isShort ? { products: 4, customers: 4 } : {});
  const servers = new Map<string, Server>();
  for (const [name, env] of Object.entries(waybills)) {
    const databaseUrl = await shop.copyOf(`waybill_${servers.size}`);
    servers.set(name, await startWaybill(bench, { databaseUrl, env }));
  }
  const databaseUrl = await shop.copyOf('yardstick');
  return { shop, servers, yardsticks: { databaseUrl, values: await makeYardstickTables(databaseUrl) } };
}

function measureOnce(bench: Bench, world: World, clients: number, isHot: boolean): Promise<Comparison> {
  const { shop, servers, yardsticks } = world;
  const yardstick = (statements: string[]): Yardstick => ({ ...yardsticks, statements, isHot, clients });
  const databasePid = shop.databasePid;
  const variants: Variant[] = [
    ...(isPgbenchThere ? [
      { name: 'pgbench, 7 statements', run: withPgbench(bench, yardstick(sevenStatements)), databasePid },
      { name: 'pgbench, 1 statement', against: YARDSTICK, run: withPgbench(bench, yardstick(oneStatement)), databasePid },
    ] : []), // prettier-ignore
    {
      name: 'pg, 7 statements',
      against: YARDSTICK,
      run: withOurClients(bench, yardstick(sevenStatements)),
      databasePid,
    },
    {
      name: 'pg, 7 statements, pipelined',
      against: YARDSTICK,
      run: withOurClients(bench, yardstick(independentStatements), { isPipelined: true }),
      databasePid,
    },
    ...[...servers].map(([name, server]) => ({
      name,
      against: YARDSTICK,
      run: overHttp(server, { clients, requests: ordersOf(bench, shop, isHot) }),
      serverPid: server.pid,
      databasePid,
    })),
  ];
  const title = `${clients} ${clients === 1 ? 'client' : 'clients'}, ${isHot ? 'one SKU' : '1000 SKUs'}`;
  return compare(bench, title, variants);
}

function barsOf(spread: Comparison[], hot: Comparison[]): Bar[] {
  const against = (comparison: Comparison) => rowNamed(comparison, 'Waybill').ratio?.median ?? Number.NaN;
  const latency = ratioOf(of(spread, 1), 'Waybill', UNBATCHED, ({ p50Ms }) => p50Ms);
  return [
    atLeast(1, against(of(spread, 32)), {
      what: `place orders, 32 clients, spread, against ${YARDSTICK}`,
      unit: '×',
      only: 24,
    }),
    atLeast(5, against(of(hot, 32)), {
      what: `place orders, 32 clients, one SKU, against ${YARDSTICK}`,
      unit: '×',
      only: 24,
    }),
    atMost(1.05, latency, { what: 'a lone client: median latency against each order alone (5 % is noise)', unit: '×' }),
  ];
}

function of(all: Comparison[], clients: number): Comparison {
  const found = all.find(({ title }) => title.startsWith(`${clients} `));
  if (found === undefined) throw new Error(`nothing was measured with ${clients} clients`);
  return found;
}
