// Many more customers than the server can serve: the catalogue goes first, then orders; health answers, every cancellation and refund passes, and all is well when they leave.
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { drill, type Drill } from './support/drill.ts';
import { start, until } from './support/processes.ts';
import type { Answers, Stampede } from './support/stampede.ts';
import {
  build,
  call,
  environment,
  openShop,
  randomOnce,
  root,
  startPostgres,
  startServer,
  type Shop,
} from './support/world.ts';

const CLIENTS = 120;
/** Five connections are too few for them on any machine. */
const POOL_MAX = 5;
const RECOVERED_MS = 5_000;
/** Three times as much is allowed here: the customers and PostgreSQL share the cores with the server. */
const HEALTH_MS = 100;

await drill({ name: 'overload', breaks: ['no-shedding'] }, async (here) => {
  const { isShort, check, say, broken } = here;
  const vital = isShort ? 15 : 100;
  build();
  // What is short here is the server, not a disk that others use.
  const postgres = await startPostgres(here, { fsync: 'off', full_page_writes: 'off' });
  const server = await startServer(here, {
    ...environment(postgres.server.url),
    DATABASE_POOL_MAX: String(POOL_MAX),
    OVERLOAD_LOOP_DELAY_MS: '100',
    LOG_LEVEL: 'error',
    ...(broken !== null && { NODE_OPTIONS: withoutShedding() }),
  });
  const shop = await openShop(server.url);
  const toCancel = await ordersOf(server.url, shop, vital, false);
  const toRefund = await ordersOf(server.url, shop, vital, true);

  const calm = await watchHealth(server.url, 10);

  const crowd = stampede(here, {
    url: server.url,
    token: shop.token,
    skus: await manyOf(server.url, shop),
    clients: CLIENTS,
  });
  const shedBefore = await shed(server.url);
  await until('requests are turned away', async () => (await shed(server.url)) > shedBefore + CLIENTS, 20_000).catch((error: unknown) => say(String(error))); // prettier-ignore
  const [health, cancelled, refunded] = await Promise.all([
    watchHealth(server.url, isShort ? 30 : 200),
    eachOf(toCancel, (id) => tell(server.url, `/orders/${id}/cancellation`, {}, shop.token)),
    eachOf(toRefund, (id) => tell(server.url, `/orders/${id}/refunds`, { reason: 'damaged' }, shop.adminToken)),
  ]);
  const answers = await crowd.end();
  say(`browsing: ${JSON.stringify(answers.browse)}`);
  say(`ordering: ${JSON.stringify(answers.order)}`);
  const known = /^(200|201|503 (overloaded|database_busy|database_unavailable))$/;
  check('everyone was served or told when to try again', [answers.browse, answers.order].flatMap((one) => Object.keys(one)).every((one) => known.test(one))); // prettier-ignore
  check('the catalogue was turned away', share(answers.browse) > 0, percent(answers.browse));
  check('orders later than the catalogue', share(answers.order) <= share(answers.browse), percent(answers.order));
  check('orders were placed all the while', (answers.order['201'] ?? 0) > 0, answers.order['201'] ?? 0);
  check(
    'every cancellation passed',
    cancelled.every((one) => one === 'done'),
    tally(cancelled),
  );
  check(
    'every refund passed',
    refunded.every((one) => one === 'done'),
    tally(refunded),
  );
  check(
    'health always answered',
    health.every(({ status }) => status === 200),
    health.length,
  );
  const bound = 3 * HEALTH_MS;
  const seen = `median ${medianOf(health)} ms, longest ${Math.max(...health.map(({ ms }) => ms))} ms; before ${medianOf(calm)} ms`;
  check(`health within ${bound} ms, half of the time`, medianOf(health) <= bound, seen);
  const begin = performance.now();
  await until('all is well again', async () => (await fetch(`${server.url}/api/v1/products`)).status === 200);
  const againMs = performance.now() - begin;
  check(`the catalogue is back within ${RECOVERED_MS} ms`, againMs <= RECOVERED_MS, `${Math.round(againMs)} ms`);
  const defects = server.log.filter((line) => line.includes('request failed'));
  check('nothing went wrong inside', defects.length === 0, defects.slice(0, 2));
  check('SIGTERM ends it with 0', (await server.stop()) === 0);
});

function stampede(here: Drill, orders: Stampede) {
  const program = fileURLToPath(new URL('support/stampede.ts', import.meta.url));
  const running = start(process.execPath, ['--import', 'tsx', program, JSON.stringify(orders)], {
    cwd: root,
    asRoot: true,
  });
  here.onEnd(() => running.stop('SIGKILL'));
  return {
    end: async (): Promise<Answers> => {
      await running.stop();
      await until('they have told', () => running.log.some((line) => line.startsWith('{')));
      return JSON.parse(running.log.find((line) => line.startsWith('{')) ?? '{}') as Answers;
    },
  };
}

/** Or all would wait for the one row of its stock. */
async function manyOf(url: string, { adminToken }: Shop): Promise<string[]> {
  const skus = Array.from({ length: 20 }, () => `CUP-${randomUUID()}`);
  for (const sku of skus) {
    const variant = { sku, price: { amount: 1000, currency: 'EUR' }, taxRateBps: 1900, onHand: 1_000_000 };
    await call(url, '/products', { title: 'A cup', variants: [variant] }, adminToken);
  }
  return skus;
}

async function ordersOf(url: string, { token, sku }: Shop, count: number, isPaid: boolean): Promise<string[]> {
  const ids: string[] = [];
  for (let i = 0; i < count; i++) {
    const id = String((await call(url, '/orders', { lines: [{ sku, quantity: 1 }] }, token))['id']);
    if (isPaid) await call(url, `/orders/${id}/payments`, { token: 'tok_ok' }, token);
    ids.push(id);
  }
  return ids;
}

/** One after the other, in the middle of the crowd. @returns status and code of each */
async function eachOf(ids: string[], work: (id: string) => Promise<string>): Promise<string[]> {
  const told: string[] = [];
  for (const id of ids) told.push(await work(id));
  return told;
}

function tell(url: string, path: string, body: object, token: string): Promise<string> {
  return call(url, path, body, token).then(() => 'done', String);
}

async function watchHealth(url: string, times: number): Promise<{ status: number; ms: number }[]> {
  const seen = [];
  for (let i = 0; i < times; i++) {
    const begin = performance.now();
    const { status } = await fetch(`${url}/health`);
    seen.push({ status, ms: Math.round(performance.now() - begin) });
    await sleep(50);
  }
  return seen;
}

function medianOf(seen: { ms: number }[]): number {
  return seen.map(({ ms }) => ms).toSorted((one, other) => one - other)[Math.floor(seen.length / 2)] ?? Infinity;
}

/** As the server itself counts, of both priorities; the metrics are answered however busy it is. */
async function shed(url: string): Promise<number> {
  const response = await fetch(`${url}/metrics`, { headers: { Authorization: `Bearer ${randomOnce.metrics}` } });
  const counts = (await response.text()).matchAll(/^http_requests_shed_total\{.*\} (\d+)$/gm);
  return [...counts].reduce((sum, [, count]) => sum + Number(count), 0);
}

function tally(told: string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const one of told) counts[kindOf(one)] = (counts[kindOf(one)] ?? 0) + 1;
  return counts;
}

/** Turned away, of all. */
function share(answers: Record<string, number>): number {
  const sum = Object.values(answers).reduce((one, other) => one + other, 0);
  return (answers['503 overloaded'] ?? 0) / sum;
}

function percent(answers: Record<string, number>): string {
  return `${(share(answers) * 100).toFixed(1)} %`;
}

/** The planted fault: whoever comes is taken, and only the pool's own bound is left. */
function withoutShedding(): string {
  const load = new URL('../../dist/shared/metrics/load.js', import.meta.url).href;
  return `--import=data:text/javascript,${encodeURIComponent(`
    import { Load } from '${load}';
    Load.prototype.takes = () => true;
  `)}`;
}

/** Without what is different in each. */
function kindOf(told: string): string {
  return /\d{3} .*"code":"(\w+)"/.exec(told)?.[1] ?? told.slice(0, 100);
}
