// A day of a shop in a minute: everybody at once, 32 to 512 of them, on a usual day and when one thing is on sale; where it saturates and what gives way first.
import { setTimeout as sleep } from 'node:timers/promises';
import { randomOnce } from '../deploy/drills/support/world.ts';
import { shown, type Bench, type Chart, type Findings, type Part, type Table } from './support/bench.ts';
import { toldOf } from './support/compare.ts';
import { cpuMicrosOf } from './support/cpu.ts';
import { latencyOf, type Load } from './support/load.ts';
import { days, letThemIn, type Day } from './support/people.ts';
import { startWaybill, type Server } from './support/servers.ts';
import { openShop, type Shop } from './support/shop.ts';
import { median } from './support/statistics.ts';

export const mixed: Part = {
  about: 'a day of a shop in a minute, 32 to 512 people, steady and in a flash sale',
  measure,
};

const MINUTE_MS = 60_000;
const LOOK_MS = 1000;

type Step = {
  people: number;
  deeds: Map<string, Load>;
  /** All deeds. */
  whole: Load;
  signs: Signs;
};

/** What the server and the machine tell of themselves meanwhile. */
type Signs = {
  poolInUse: number;
  poolWaiting: number;
  loopP99Ms: number;
  loopUtilization: number;
  serverCores: number;
  databaseCores: number;
};

async function measure(bench: Bench): Promise<Findings> {
  const shop = await openShop(bench, bench.isShort ? { products: 4, customers: 4 } : {});
  const sections: Findings['sections'] = [];
  const notes: string[] = [];
  for (const [name, day] of Object.entries(days)) {
    const server = await startWaybill(bench, { databaseUrl: await shop.copyOf(`mixed_${name}`) });
    const steps: Step[] = [];
    for (const people of bench.isShort ? [8] : [32, 128, 512])
      steps.push(await live(bench, { shop, server, day, people }));
    await server.stop();
    sections.push({ title: `A day in a minute: ${day.title}`, slug: `mixed-${name}`, tables: [signsOf(steps), ...steps.map(deedsOf)], chart: chartOf(steps) }); // prettier-ignore
    notes.push(`**${day.title}**: ${verdictOf(steps)}`);
  }
  return { sections, bars: [], notes };
}

type Scene = { shop: Shop; server: Server; day: Day; people: number };

async function live(bench: Bench, { shop, server, day, people }: Scene): Promise<Step> {
  bench.progress(`${day.title}, ${people} people`, 0);
  await server.emptyLog();
  const ms = bench.isShort ? 1000 : MINUTE_MS;
  const before = await Promise.all([cpuMicrosOf(server.pid), cpuMicrosOf(shop.databasePid)]);
  const isOver = new AbortController();
  const looks = lookAt(server, isOver.signal);
  const { deeds, whole } = await letThemIn({ shop, port: server.port, day, people, ms, seed: bench.seed });
  isOver.abort();
  const after = await Promise.all([cpuMicrosOf(server.pid), cpuMicrosOf(shop.databasePid)]);
  const [serverCores, databaseCores] = after.map((micros, i) => (micros - (before[i] ?? 0)) / (whole.ms * 1000)) as [number, number]; // prettier-ignore
  return { people, deeds, whole, signs: { ...summed(await looks), serverCores, databaseCores } };
}

type Look = Record<string, number>;

/** As Prometheus would see it, every second. */
async function lookAt({ port }: Server, signal: AbortSignal): Promise<Look[]> {
  const looks: Look[] = [];
  while (!signal.aborted) {
    const response = await fetch(`http://127.0.0.1:${port}/metrics`, { headers: { Authorization: `Bearer ${randomOnce.metrics}` } }); // prettier-ignore
    const lines = (await response.text()).matchAll(/^(?<name>\w+) (?<value>[\d.e+-]+)$/gm);
    looks.push(Object.fromEntries([...lines].map(({ groups = {} }) => [groups['name'], Number(groups['value'])])));
    await sleep(LOOK_MS, undefined, { signal }).catch(() => undefined);
  }
  return looks;
}

function summed(looks: Look[]): Omit<Signs, 'serverCores' | 'databaseCores'> {
  const valuesOf = (name: string) => looks.map((look) => look[name] ?? 0);
  return {
    poolInUse: Math.max(...valuesOf('db_pool_in_use')),
    poolWaiting: Math.max(...valuesOf('db_pool_waiting')),
    loopP99Ms: Math.max(...valuesOf('nodejs_eventloop_delay_p99_seconds')) * 1000,
    loopUtilization: median(valuesOf('nodejs_eventloop_utilization_ratio')),
  };
}

const perSecond = ({ operations, ms }: Load): number => (operations * 1000) / ms;
/** Not what was answered by 4xx: that two of the staff wanted to send the same order is no failure of the shop. */
const failed = ({ failures }: Load): number =>
  Object.entries(failures).reduce((sum, [what, count]) => sum + (what.startsWith('4') ? 0 : count), 0);

function signsOf(steps: Step[]): Table {
  const head = ['people', 'requests/s', 'p50 ms', 'p95 ms', 'p99 ms', 'failed %', 'pool in use', 'waiting for it', 'event loop p99 ms', 'event loop at work', 'server cores', 'database cores']; // prettier-ignore
  const rows = steps.map(({ people, whole, signs }) => [
    String(people), shown(perSecond(whole)), ...[0.5, 0.95, 0.99].map((share) => shown(latencyOf(whole, share))),
    shown((100 * failed(whole)) / (failed(whole) + whole.operations)),
    String(signs.poolInUse), String(signs.poolWaiting), ...[signs.loopP99Ms, signs.loopUtilization, signs.serverCores, signs.databaseCores].map(shown),
  ]); // prettier-ignore
  return { title: 'The shop (pool and event loop: the most that was seen; at work: the median)', head, rows };
}

function deedsOf({ people, deeds }: Step): Table {
  const head = ['', 'per second', 'p50 ms', 'p95 ms', 'p99 ms', 'refused'];
  const rows = [...deeds].map(([deed, load]) => [deed, shown(perSecond(load)), ...[0.5, 0.95, 0.99].map((share) => shown(latencyOf(load, share))), toldOf(load.failures)]); // prettier-ignore
  return { title: `${people} people`, head, rows };
}

function chartOf(steps: Step[]): Chart {
  const bars = (read: (step: Step) => number) => steps.map((step) => ({ label: `Waybill, ${step.people} people`, median: read(step), min: read(step), max: read(step) })); // prettier-ignore
  return {
    unit: 'requests per second',
    groups: [{ title: 'All requests', bars: bars(({ whole }) => perSecond(whole)) }],
  };
}

/** Twice the people, and not nearly twice the requests: then it is saturated. */
function verdictOf(steps: Step[]): string {
  const share = ({ people, whole }: Step) => perSecond(whole) / people;
  const saturated = steps.find((step) => share(step) < share(steps[0] as Step) / 2);
  const refusing = steps.find(({ whole }) => failed(whole) > 0);
  const where = saturated === undefined ? `not saturated by ${steps.at(-1)?.people} people` : `saturated by ${saturated.people} people`; // prettier-ignore
  return `${where}; ${refusing === undefined ? 'nothing gave way' : `first to give way, with ${refusing.people} people: ${weakestOf(refusing)}`}.`;
}

/** Of whom the largest share was turned away. */
function weakestOf({ deeds }: Step): string {
  const shares = [...deeds].map(([deed, load]) => ({
    deed,
    load,
    share: failed(load) / (failed(load) + load.operations),
  }));
  const [weakest] = shares.toSorted((one, other) => other.share - one.share);
  return weakest === undefined
    ? ''
    : `${weakest.deed} (${shown(100 * weakest.share)} % failed: ${toldOf(weakest.load.failures)})`;
}
