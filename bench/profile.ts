// Where the server's time goes: a CPU profile of placing orders and of reading, summed up by who wrote the code.
import { requestOf } from './support/connection.ts';
import { shown, type Bench, type Findings, type Part, type Table } from './support/bench.ts';
import { cpuMicrosOf } from './support/cpu.ts';
import { ordersOf } from './support/deeds.ts';
import { loadHttp, type HttpLoad } from './support/load.ts';
import { startProbed, type Probed } from './support/probe.ts';
import { openShop, type Shop } from './support/shop.ts';

export const profile: Part = { about: "where the server's time goes, by a CPU profile", measure };

const CLIENTS = 32;
const WARM_UP_MS = 4000;
const PROFILED_MS = 10_000;
const SAMPLE_MICROS = 200;
/** Less than this is told together with others. */
const SHARE_MIN = 0.01;

type Deed = { name: string; requests: HttpLoad['requests'] };

async function measure(bench: Bench): Promise<Findings> {
  const shop = await openShop(bench, bench.isShort ? { products: 4, customers: 4 } : {});
  const server = await startProbed(bench, { databaseUrl: await shop.copyOf('profile'), ...sampler });
  const tables: Table[] = [];
  for (const deed of deedsOf(bench, shop)) tables.push(await profileOne(bench, server, deed));
  return {
    sections: [{ title: "Where the server's time goes", slug: 'profile', tables }],
    bars: [],
    notes: [`${CLIENTS} clients, a sample every ${SAMPLE_MICROS} µs, which itself costs a little. "Outside JavaScript" is mostly system calls: reading and writing sockets.`],
  }; // prettier-ignore
}

/** The first question begins a profile, the next one ends and tells it. */
const sampler = {
  before: `
    import { Session } from 'node:inspector/promises';
    let session = null;`,
  answer: `
    if (session === null) {
      session = new Session();
      session.connect();
      await session.post('Profiler.enable');
      await session.post('Profiler.setSamplingInterval', { interval: ${SAMPLE_MICROS} });
      await session.post('Profiler.start');
      return '';
    }
    const { profile } = await session.post('Profiler.stop');
    session.disconnect();
    session = null;
    return JSON.stringify(profile);`,
};

const deedsOf = (bench: Bench, shop: Shop): Deed[] => {
  const { token = '', orderIds = [] } = shop.customers[0] ?? {};
  const product = requestOf({ path: `/api/v1/products/${shop.productIds[0]}` });
  const order = requestOf({ path: `/api/v1/orders/${orderIds[0]}`, token });
  return [
    { name: 'place an order, spread', requests: ordersOf(bench, shop, false) },
    { name: 'read a product', requests: () => () => product },
    { name: 'read an order', requests: () => () => order },
  ];
};

async function profileOne(bench: Bench, server: Probed, { name, requests }: Deed): Promise<Table> {
  bench.progress(`profiling: ${name}`, 0);
  const load = (ms: number) =>
    loadHttp({ port: server.port, clients: CLIENTS, ms: bench.isShort ? bench.roundMs : ms, requests });
  await load(WARM_UP_MS);
  await server.emptyLog();
  await server.ask();
  const before = await cpuMicrosOf(server.pid);
  const { operations } = await load(PROFILED_MS);
  const micros = (await cpuMicrosOf(server.pid)) - before;
  const shares = sharesOf(JSON.parse(await server.ask()) as CpuProfile);
  const rows = shares.map(([origin, share]) => [origin, shown(share * 100), shown((share * micros) / operations)]);
  return {
    title: `${name}: ${shown(micros / operations)} µs of CPU a request`,
    head: ['', '% of the time at work', 'µs a request'],
    rows,
  };
}

type CpuProfile = {
  nodes: { id: number; callFrame: { functionName: string; url: string } }[];
  samples: number[];
  timeDeltas: number[];
};

/** Self time by origin, the most first; the rest in one line. */
function sharesOf({ nodes, samples, timeDeltas }: CpuProfile): [string, number][] {
  const originOfNode = new Map(nodes.map(({ id, callFrame }) => [id, originOf(callFrame)]));
  const times = new Map<string, number>();
  for (const [i, id] of samples.entries()) {
    const origin = originOfNode.get(id) ?? null;
    if (origin !== null) times.set(origin, (times.get(origin) ?? 0) + (timeDeltas[i] ?? 0));
  }
  const busy = [...times.values()].reduce((sum, time) => sum + time, 0);
  const shares = [...times].map(([origin, time]): [string, number] => [origin, time / busy]);
  const large = shares.filter(([, share]) => share >= SHARE_MIN).toSorted(([, one], [, other]) => other - one);
  const rest = 1 - large.reduce((sum, [, share]) => sum + share, 0);
  return [...large, ['all else', rest]];
}

/** Who wrote it; null when nobody was at work. */
function originOf({ functionName, url }: { functionName: string; url: string }): string | null {
  if (functionName === '(idle)' || functionName === '(root)') return null;
  if (functionName === '(garbage collector)') return 'garbage collection';
  if (functionName === '(program)') return 'outside JavaScript';
  const ours = /\/dist\/((?:shared|modules)\/[\w-]+)/.exec(url)?.[1];
  const library = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1];
  if (url.startsWith('node:')) return /http/.test(url) ? 'Node.js: HTTP' : /net|stream|tls|buffer/.test(url) ? 'Node.js: sockets, streams, buffers' : 'Node.js: all else'; // prettier-ignore
  return ours ?? library ?? (url === '' ? `native: ${functionName}` : 'app.ts and server.ts');
}
