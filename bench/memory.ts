// Memory under load: does what is left after garbage collection grow with the requests that were answered?
import {
  atMost,
  reported,
  shown,
  type Bar,
  type Bench,
  type Chart,
  type Findings,
  type Part,
} from './support/bench.ts';
import { ordersOf } from './support/deeds.ts';
import { requestOf } from './support/connection.ts';
import { sumOf, toldOf } from './support/compare.ts';
import { loadHttp, type HttpLoad, type Load } from './support/load.ts';
import { startProbed, type Probed } from './support/probe.ts';
import { residentMegabytesOf } from './support/servers.ts';
import { openShop } from './support/shop.ts';
import { slopeOf } from './support/statistics.ts';

export const memory: Part = { about: 'is memory flat over 200,000 orders and 2,000,000 reads?', measure };

const CLIENTS = 32;
const ORDERS = 200_000;
const READS = 2_000_000;
const LOOKS = 40;
/** Caches fill and code is compiled in the first of them. */
const WARM_UP = 0.1;

/** All garbage is collected, twice, for some is only found to be garbage then. */
const HEAP = 'gc(); gc(); return process.memoryUsage().heapUsed;';

type Point = { x: number; y: number };
type Watch = { what: string; points: Point[]; megabytes: number; failures: Load['failures'] };

async function measure(bench: Bench): Promise<Findings> {
  const shop = await openShop(bench, bench.isShort ? { products: 4, customers: 4 } : { customers: CLIENTS });
  const server = await startProbed(bench, {
    databaseUrl: await shop.copyOf('memory'),
    answer: HEAP,
    nodeFlags: ['--expose-gc'],
  });
  const read = requestOf({ path: `/api/v1/products/${shop.productIds[0]}` });
  const rows: Watch[] = [];
  for (const [what, count, requests] of [
    ['orders', ORDERS, ordersOf(bench, shop, false)],
    ['reads of a product', READS, () => () => read],
  ] as const)
    rows.push(await watch(bench, server, { what, count: bench.isShort ? count / 1000 : count, requests }));
  const tables = [{ title: 'The heap after garbage collection', head, rows: rows.map(cellsOf) }];
  const chart = { unit: 'MB of heap after garbage collection', groups: rows.map(groupOf) };
  return {
    sections: [{ title: 'Memory', slug: 'memory', tables, chart }],
    bars: bench.isShort ? [] : rows.flatMap(barsOf),
  };
}

const head = ['', 'requests', 'first MB', 'last MB', 'bytes a request (Theil–Sen)', 'resident MB', 'failed'];

const barsOf = ({ what, points, megabytes }: Watch): Bar[] => {
  const growth = `growth of the heap over ${shown(points.at(-1)?.x ?? 0)} ${what}`;
  return [
    atMost(32, slopeOf(points), { what: growth, unit: 'bytes a request' }),
    reported(`resident memory after these ${what}`, megabytes, 'MB'),
  ];
};

/** Ten of the looks. */
function groupOf({ what, points }: Watch): Chart['groups'][number] {
  const some = points.filter((_, i) => (i + 1) % Math.ceil(points.length / 10) === 0);
  const bars = some.map(({ x, y }) => ({ label: `Waybill, ${shown(x)}`, median: y / 1e6, min: y / 1e6, max: y / 1e6 }));
  return { title: `after so many ${what}`, bars };
}

const cellsOf = ({ what, points, megabytes, failures }: Watch): string[] => [
  what,
  shown(points.at(-1)?.x ?? 0),
  shown((points[0]?.y ?? Number.NaN) / 1e6),
  shown((points.at(-1)?.y ?? Number.NaN) / 1e6),
  shown(slopeOf(points)),
  shown(megabytes),
  toldOf(failures),
];

type Work = { what: string; count: number; requests: HttpLoad['requests'] };

/** Looks at the heap after so many requests, at even distances. */
async function watch({ progress, isShort }: Bench, server: Probed, { what, count, requests }: Work): Promise<Watch> {
  const ask = (operations: number) =>
    loadHttp({ port: server.port, clients: CLIENTS, ms: Infinity, operations, requests });
  await ask(Math.round(count * WARM_UP));
  const points: Point[] = [];
  const failures: Load['failures'][] = [];
  const looks = isShort ? LOOKS / 10 : LOOKS;
  for (let look = 1; look <= looks; look++) {
    progress(`${count} ${what}`, look / looks);
    await server.emptyLog();
    failures.push((await ask(Math.round(count / looks))).failures);
    points.push({ x: Math.round((look * count) / looks), y: Number(await server.ask()) });
  }
  return { what, points, megabytes: await residentMegabytesOf(server.pid), failures: sumOf(failures) };
}
