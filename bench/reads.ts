// Reading: a product, a page of products, an order and a page of orders, against bare servers that answer with the same bytes.
import { atLeast, atMost, reported, type Bench, type Findings, type Part } from './support/bench.ts';
import { compare, ratioOf, rowNamed, sectionOf, slowest, type Comparison, type Variant } from './support/compare.ts';
import { Connection, requestOf } from './support/connection.ts';
import { loadHttp, overHttp, type Load } from './support/load.ts';
import { startBare, startWaybill, type BareKind, type Server } from './support/servers.ts';
import { openShop, type Shop } from './support/shop.ts';

export const reads: Part = {
  about: 'reading products and orders, against bare servers; two workers; while people log in',
  measure,
};

const CLIENTS = 32;
const YARDSTICK = 'Express 5, bare';
const bareKinds: Record<string, BareKind> = {
  'node:http, bare': 'node-http',
  [YARDSTICK]: 'express',
  'Fastify 5, bare': 'fastify',
};
/** So many reads and logins a second, whoever answers. */
const CALM_READS = 500;
const LOGINS = 50;
const CALM = 'Waybill, without logins';
const AMID_LOGINS = `Waybill, ${LOGINS} logins/s`;
const ONE = 'Waybill, 1 worker';
const TWO = 'Waybill, 2 workers';
/** On a page. */
const ORDERS_EACH = 20;

type Read = { name: string; path: string; token?: string };

async function measure(bench: Bench): Promise<Findings> {
  const shop = await openShop(
    bench,
    bench.isShort ? { products: 4, customers: 4 } : { customers: 64, ordersEach: ORDERS_EACH },
  );
  const databaseUrl = await shop.copyOf('reads');
  const server = await startWaybill(bench, { databaseUrl });
  const wanted = readsOf(shop);
  const bare = await startBareServers(bench, server, wanted);
  const comparisons: Comparison[] = [];
  for (const read of wanted) comparisons.push(await compareRead(bench, shop, read, server, bare));
  await Promise.all([...bare.values()].map((one) => one.stop()));
  const workers = await compareWorkers(bench, shop, wanted, server);
  const logins = await compareLogins(bench, shop, wanted, server);
  return {
    sections: [
      sectionOf('Reads, 32 clients', 'reads', comparisons),
      sectionOf('Two workers', 'workers', [workers]),
      sectionOf(
        `${CALM_READS} reads of a product a second, with and without ${LOGINS} logins a second`,
        'logins',
        [logins],
        slowest,
      ),
    ],
    bars: bench.isShort ? [] : barsOf(comparisons, workers, logins),
  };
}

const readsOf = ({ productIds, customers }: Shop): Read[] => [
  { name: 'a product', path: `/api/v1/products/${productIds[0]}` },
  { name: 'a page of products', path: '/api/v1/products' },
  { name: 'an order', path: `/api/v1/orders/${customers[0]?.orderIds[0]}`, token: customers[0]?.token ?? '' },
  { name: 'a page of orders', path: '/api/v1/orders', token: customers[0]?.token ?? '' },
];

/** They answer what Waybill has answered. */
async function startBareServers(bench: Bench, { port }: Server, wanted: Read[]): Promise<Map<string, Server>> {
  const connection = await Connection.open(port);
  const answers: Record<string, unknown> = {};
  for (const { path, token } of wanted) {
    const { status, body } = await connection.ask(requestOf({ path, ...(token !== undefined && { token }) }));
    if (status !== 200) throw new Error(`${path}: ${status} ${body.toString()}`);
    answers[path] = JSON.parse(body.toString());
  }
  connection.close();
  const servers = new Map<string, Server>();
  for (const [name, kind] of Object.entries(bareKinds)) servers.set(name, await startBare(bench, kind, answers));
  return servers;
}

function compareRead(
  bench: Bench,
  { databasePid }: Shop,
  read: Read,
  server: Server,
  bare: Map<string, Server>,
): Promise<Comparison> {
  const variantOf = (name: string, { port, pid, emptyLog }: Server) => ({
    name,
    against: YARDSTICK,
    run: overHttp({ port, emptyLog }, asking(read)),
    serverPid: pid,
  });
  const waybill = { ...variantOf('Waybill', server), databasePid };
  return compare(bench, read.name, [...[...bare].map(([name, one]) => variantOf(name, one)), waybill]);
}

/** The same request over and over. */
function asking({ path, token }: Read): { clients: number; requests: () => () => string } {
  const request = requestOf({ path, ...(token !== undefined && { token }) });
  return { clients: CLIENTS, requests: () => () => request };
}

async function compareWorkers(bench: Bench, shop: Shop, [product]: Read[], one: Server): Promise<Comparison> {
  if (product === undefined) throw new Error('there is no product to read');
  const two = await startWaybill(bench, { databaseUrl: await shop.copyOf('workers'), env: { WORKERS: '2' } });
  const variants = [[ONE, one], [TWO, two]] as const; // prettier-ignore
  const comparison = await compare(
    bench,
    'a product, 1 worker and 2',
    variants.map(([name, server]) => ({
      name,
      against: ONE,
      run: overHttp(server, asking(product)),
      serverPid: server.pid,
      databasePid: shop.databasePid,
    })),
  );
  await two.stop();
  return comparison;
}

/** Reads at a steady pace that leaves the server time, so that what is seen is the logins and not the crowd. */
async function compareLogins(bench: Bench, shop: Shop, [product]: Read[], server: Server): Promise<Comparison> {
  if (product === undefined) throw new Error('there is no product to read');
  const read = (ms: number) => overHttp(server, { ...asking(product), perSecond: CALM_READS })(ms);
  const readAmidLogins = async (ms: number): Promise<Load> => {
    const [load, logins] = await Promise.all([read(ms), logInAllTheTime(shop, server, ms)]);
    const failures = Object.entries(logins.failures).map(([what, count]) => [`login ${what}`, count]);
    return { ...load, failures: { ...load.failures, ...Object.fromEntries(failures) } };
  };
  const common = { serverPid: server.pid, databasePid: shop.databasePid };
  const variants: Variant[] = [
    { name: CALM, run: read, ...common },
    { name: AMID_LOGINS, against: CALM, run: readAmidLogins, ...common },
  ];
  return compare(bench, 'a product, paced', variants);
}

function logInAllTheTime({ customers }: Shop, { port }: Server, ms: number): Promise<Load> {
  const requests = (client: number) => {
    let turn = client;
    return () => {
      const { email = '', password = '' } = customers[(turn += LOGINS) % customers.length] ?? {};
      return requestOf({ method: 'POST', path: '/api/v1/auth/login', body: { email, password } });
    };
  };
  return loadHttp({ port, clients: LOGINS, ms, requests, perSecond: LOGINS });
}

function barsOf(comparisons: Comparison[], workers: Comparison, logins: Comparison) {
  const ratio = (read: string) => {
    const comparison = comparisons.find(({ title }) => title === read);
    return comparison === undefined ? Number.NaN : (rowNamed(comparison, 'Waybill').ratio?.median ?? Number.NaN);
  };
  const p99 = ratioOf(logins, AMID_LOGINS, CALM, ({ p99Ms }) => p99Ms);
  return [
    atLeast(0.5, ratio('a product'), { what: 'read a product, against bare Express 5', unit: '×' }),
    atLeast(0.25, ratio('an order'), { what: 'read an order, authenticated, against bare Express 5', unit: '×' }),
    atMost(2, p99, { what: `p99 of product reads while ${LOGINS} logins/s run, against without`, unit: '×' }),
    reported('two workers against one, reading a product', rowNamed(workers, TWO).ratio?.median ?? Number.NaN, '×'),
  ];
}
