// The pipeline: what each of its steps costs by itself, and all of them together, in CPU time of the server.
import {
  atMost,
  nodeMajor,
  reported,
  shown,
  type Bench,
  type Findings,
  type Part,
  type Table,
} from './support/bench.ts';
import { compare, rowNamed, type Comparison, type Row, type Variant } from './support/compare.ts';
import { requestOf } from './support/connection.ts';
import { overHttp } from './support/load.ts';
import { startBare, startSteps, type Server } from './support/servers.ts';
import { openShop } from './support/shop.ts';
import { figureOf } from './support/statistics.ts';

export const middleware: Part = { about: 'what each step of the pipeline costs, alone and together', measure };

const CLIENTS = 32;
const PATH = '/api/v1/products/one';
const ANSWER = {
  data: { id: 'one', title: 'A mug', variants: [{ sku: 'MUG-1', price: { amount: 1299, currency: 'EUR' } }] },
};
const YARDSTICK = 'Express 5, bare';
const BASE = 'our HTTP server, no step';
const ALL = 'all together';
const ALL_ANONYMOUS = 'all together, nobody logged in';

/** In the order of the pipeline. */
const steps = {
  context: 'request id and context',
  health: 'probes passed by',
  log: 'request log',
  metrics: 'metrics',
  headers: 'security headers',
  cors: 'CORS',
  shedding: 'is there room?',
  token: 'access token',
  limits: 'limits and their headers',
};

async function measure(bench: Bench): Promise<Findings> {
  const shop = await openShop(bench, { products: 1, customers: 1 });
  const databaseUrl = await shop.copyOf('steps');
  const token = shop.customers[0]?.token ?? '';
  const answers = { [PATH]: ANSWER };
  const withSteps = (names: string[]) => startSteps(bench, names, { databaseUrl, answers });
  const all = Object.keys(steps);
  const variants = [
    variantOf(YARDSTICK, await startBare(bench, 'express', answers)),
    variantOf(BASE, await withSteps([])),
    variantOf(ALL, await withSteps(all), token),
    variantOf(ALL_ANONYMOUS, await withSteps(all)),
  ];
  for (const [step, name] of Object.entries(steps))
    variants.push(variantOf(name, await withSteps([step]), step === 'token' ? token : undefined));
  const comparison = await compare(bench, 'One step, and all', variants);
  return { sections: [sectionOf(comparison)], bars: bench.isShort ? [] : barsOf(comparison), notes };
}

const notes = [
  `Each row is a server of its own with one JSON answer. What is added is held against *${BASE}*, in the same round; *${ALL}* against *${YARDSTICK}*, too.`,
];

function variantOf(name: string, server: Server, token?: string): Variant {
  const request = requestOf({ path: PATH, ...(token !== undefined && { token }) });
  const run = overHttp(server, { clients: CLIENTS, requests: () => () => request });
  return { name, against: YARDSTICK, run, serverPid: server.pid };
}

function sectionOf(comparison: Comparison) {
  const title = 'CPU time of a request';
  const bars = comparison.rows.map(({ name, serverMicros }) => ({ label: name, ...serverMicros }));
  const chart = { unit: 'µs of CPU per request', groups: [{ title: 'A JSON answer after', bars }] };
  return { title, slug: 'middleware', tables: [tableOf(comparison)], chart };
}

function tableOf(comparison: Comparison): Table {
  const head = ['', 'server CPU µs', 'min–max', 'added', 'min–max', 'operations/s', 'of bare Express'];
  const cells = (row: Row): string[] => {
    const { median, min, max } = row.serverMicros;
    const added = row.name === YARDSTICK || row.name === BASE ? null : addedBy(comparison, row.name, BASE);
    return [
      row.name, shown(median), `${shown(min)}–${shown(max)}`,
      added === null ? '' : shown(added.median), added === null ? '' : `${shown(added.min)}–${shown(added.max)}`,
      shown(row.perSecond.median), shown(row.ratio?.median ?? Number.NaN),
    ]; // prettier-ignore
  };
  return { title: `One JSON answer, ${CLIENTS} clients, Node ${nodeMajor}`, head, rows: comparison.rows.map(cells) };
}

/** Round by round. */
function addedBy(comparison: Comparison, name: string, base: string) {
  const bases = rowNamed(comparison, base).rounds;
  const added = rowNamed(comparison, name).rounds.map(
    ({ serverMicros }, i) => serverMicros - (bases[i]?.serverMicros ?? Number.NaN),
  );
  return figureOf(added);
}

const barsOf = (comparison: Comparison) => [
  atMost(40, addedBy(comparison, ALL, YARDSTICK).median, {
    what: 'what the whole middleware adds to bare Express 5, a customer logged in',
    unit: 'µs',
    only: 24,
  }),
  reported('the same, nobody logged in', addedBy(comparison, ALL_ANONYMOUS, YARDSTICK).median, 'µs'),
];
