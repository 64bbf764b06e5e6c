// What operators see, by the real programs: numbers that never fall, an alarm that does not cry wolf, alerts that reach somebody, panels that are not empty.
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { drill, type Drill } from './support/drill.ts';
import { all, fallsBetween, risingIn, type Exposition } from './support/exposition.ts';
import { placeOrders } from './support/load.ts';
import { start, until, type Running } from './support/processes.ts';
import { startMonitoring, type Monitoring } from './support/prometheus.ts';
import { metricsIn, shipped } from './support/promql.ts';
import {
  build,
  environment,
  openShop,
  randomOnce,
  root,
  startPostgres,
  startServer,
  type Postgres,
} from './support/world.ts';

type Way = (here: Drill, postgres: Postgres) => Promise<void>;
const ways: Record<string, Way> = { fleet, loop, alerts, traces };

/** Planted in dist/, in the rules or in the panels; each is noticed by the part it is named after. */
const edits: Record<string, [file: string, from: string, to: string]> = {
  'fleet:forget': [
    'shared/metrics/fleet-metrics.js',
    'if (this.counting.delete(worker))',
    'if (this.counting.delete(worker) && false)',
  ],
  'loop:count': ['shared/metrics/event-loop.js', 'heldNs += sampleNs', 'heldNs += wholeNs / delays.count'],
  'traces:lost': ['shared/tracing/tracing.js', 'patchWhatIsLoaded();', ''],
};

const HELD_UP_MS = 200;
const WINDOW_MS = 10_000;
/** Of shared/lifecycle/workers.ts, and a second. */
const CRASH_LOOP_MS = 6000;

await drill(
  {
    name: 'seen',
    needs: { prometheus: 'prometheus', 'prometheus-alertmanager': 'prometheus-alertmanager' },
    breaks: [...Object.keys(edits), 'alerts:blind', 'alerts:panel'],
    parts: Object.keys(ways),
  },
  async (here) => {
    build();
    await plant(here);
    const postgres = await startPostgres(here);
    const parts = here.broken === null ? here.parts : [here.broken.split(':', 1)[0] ?? ''];
    for (const part of parts) await ways[part]?.(here, postgres);
  },
);

async function plant({ broken, onEnd }: Drill): Promise<void> {
  const edit = edits[broken ?? ''];
  if (edit === undefined) return;
  const [file, from, to] = edit;
  const path = join(root, 'dist', file);
  const text = await readFile(path, 'utf8');
  if (!text.includes(from)) throw new Error(`${file} does not have ${from}`);
  onEnd(() => writeFile(path, text));
  await writeFile(path, text.replace(from, to));
}

async function scrape(url: string): Promise<string> {
  return (await fetch(`${url}/metrics`, { headers: { Authorization: `Bearer ${randomOnce.metrics}` } })).text();
}

/** Four workers under load, reloaded and killed, asked all the time. */
async function fleet(here: Drill, postgres: Postgres): Promise<void> {
  const { check, isShort } = here;
  const server = await startServer(here, { ...environment(postgres.server.url), WORKERS: '4' });
  const shop = await openShop(server.url);
  const watch = watchNumbers(server.url);
  const stored = async () =>
    (await postgres.sql<{ count: number }>('SELECT count(*)::int AS count FROM orders.orders'))[0]?.count;

  const load = placeOrders(here, server.url, shop, { clients: 8 });
  await until('orders come', () => load.sent() > 200);
  await reload(server);
  await load.end();
  const before = all(await scrape(server.url));
  const placed = before.get('facts_recorded_total{type="order.placed"}');
  check(
    'after a reload every order is counted, by workers there are and were',
    placed === (await stored()),
    `${placed} of ${await stored()}`,
  );
  check('what each process has is summed', before.get('waybill_processes') === 4 && before.get('db_pool_max') === 80, {
    processes: before.get('waybill_processes'),
    connections: before.get('db_pool_max'),
  });
  const open = before.get('orders_open{status="pending_payment"}');
  check(
    'what the database has is not',
    open !== undefined && open <= ((await stored()) ?? 0),
    `${open} of ${await stored()} open`,
  );

  const more = placeOrders(here, server.url, shop, { clients: 8 });
  const killed = new Set<number>();
  while (killed.size < (isShort ? 2 : 6)) {
    await until('orders come', () => more.sent() > 100 * (killed.size + 1));
    killed.add(await killOldest(server, killed));
  }
  await more.end();
  const { scrapes, falls } = await watch.end();
  check('no counter ever fell', falls.length === 0, falls.length === 0 ? `${scrapes} scrapes` : falls.slice(0, 5));
  check('it was asked often enough', scrapes > 20, scrapes);
  await server.stop();
}

/** A scrape five times a second. */
function watchNumbers(url: string) {
  const ended = new AbortController();
  const falls: string[] = [];
  let scrapes = 0;
  let last: Exposition = new Map();
  const watching = (async () => {
    while (!ended.signal.aborted) {
      const text = await scrape(url).catch(() => null); // the one that was asked may be killed
      if (text === null) continue;
      const now = risingIn(text);
      falls.push(...fallsBetween(last, now));
      last = now;
      scrapes++;
      await sleep(200);
    }
  })();
  const end = async () => {
    ended.abort();
    await watching;
    return { scrapes, falls };
  };
  return { end };
}

function saidIn({ log }: Running, text: string): string[] {
  return log.filter((line) => line.includes(text));
}

/** Four starts, one after the other, beside the load: minutes on a busy machine. */
async function reload(server: Running): Promise<void> {
  server.child.kill('SIGHUP');
  await until('the reload is over', () => saidIn(server, '"msg":"reloaded"').length > 0, 240_000);
}

/** Five that die as soon as they are ready would be a crash loop, which ends the server: so it is one that has lived for a while. */
async function killOldest(server: Running, killed: Set<number>): Promise<number> {
  const listening = saidIn(server, '"msg":"worker listening"').map((line) => JSON.parse(line) as { pid: number; time: string }); // prettier-ignore
  const living = listening.slice(-4 - killed.size).find(({ pid }) => !killed.has(pid));
  if (living === undefined) throw new Error('no worker lives');
  await until('it has lived for a while', () => Date.now() - Date.parse(living.time) > CRASH_LOOP_MS);
  process.kill(living.pid, 'SIGKILL');
  await until('another takes its place', () => saidIn(server, '"msg":"worker listening"').length > listening.length);
  return living.pid;
}

/** Nothing to do for a minute: no alarm. Stopped for 200 ms, once: one. */
async function loop(here: Drill, postgres: Postgres): Promise<void> {
  const { check, isShort, say } = here;
  const server = await startServer(here, environment(postgres.server.url));
  const machine = await startIdleProcess(here);
  await sleep(WINDOW_MS + 1_000); // the first jobs and statements are no idleness
  const warm = alarmsOf(server).length;
  const idleMs = isShort ? WINDOW_MS : 60_000;
  await sleep(idleMs);
  const idle = alarmsOf(server).slice(warm);
  server.child.kill('SIGSTOP');
  await sleep(HELD_UP_MS);
  server.child.kill('SIGCONT');
  await sleep(isShort ? WINDOW_MS + 1_000 : 25_000);
  const held = alarmsOf(server).slice(warm + idle.length);
  // A machine with far more to do than it has cores holds up everybody: then silence cannot be asked of anyone.
  const [load = 0] = loadavg();
  const isCalm = alarmsOf(machine).length === 0 && load < 4 * cpus().length;
  if (!isCalm)
    say(`silence not judged: load ${load}, a bare process was held up for ${JSON.stringify(alarmsOf(machine))} ms`);
  if (isCalm) check(`idle for ${idleMs / 1000} s: no alarm`, idle.length === 0, idle);
  check(`held up for ${HELD_UP_MS} ms: one alarm`, isCalm ? held.length === 1 : held.length >= 1, held);
  const memory = saidIn(server, '"msg":"memory"');
  if (!isShort) check('the memory is told every 30 s', memory.length > 0, memory[0]);
  await server.stop();
}

/** How long it was held up at most, for each alarm. */
function alarmsOf(running: Running): number[] {
  return saidIn(running, '"msg":"event loop held up"').map((line) => (JSON.parse(line) as { maxMs: number }).maxMs);
}

/** Has the same watch as a server, as built, and nothing to do. */
async function startIdleProcess({ onEnd, folder }: Drill): Promise<Running> {
  const module = (path: string) => JSON.stringify(join(root, 'dist', path));
  const file = join(folder, 'idle.mjs');
  await writeFile(
    file,
    `import { EventLoopWatch } from ${module('shared/metrics/event-loop.js')};
     import { Metrics } from ${module('shared/metrics/metrics.js')};
     const logger = { warn: (facts, msg) => console.log(JSON.stringify({ ...facts, msg })) };
     new EventLoopWatch({ logger, metrics: new Metrics() }).start();
     setInterval(() => undefined, 60_000);`,
  );
  const running = start(process.execPath, [file], { asRoot: true });
  onEnd(() => running.stop());
  return running;
}

/** Prometheus asks, each panel has an answer; the server is killed, somebody is told; it is back, they are told that, too. */
async function alerts(here: Drill, postgres: Postgres): Promise<void> {
  const { check, broken } = here;
  const server = await startServer(here, environment(postgres.server.url));
  const blind = (text: string) => text.replace('absent(up{job="waybill"} == 1)', 'absent(up{job="waybill"} > 1) == 2');
  const edit = broken === 'alerts:blind' ? blind : undefined;
  const monitoring = await startMonitoring(here, [`127.0.0.1:${server.port}`], edit);
  const load = placeOrders(here, server.url, await openShop(server.url), { clients: 4 });
  await until('Prometheus has the numbers of some orders', async () => {
    const { result } = await monitoring.query(
      'sum(rate(facts_recorded_total{type="order.placed"}[30s])) > 0 and max(job_queue_waiting) >= 0',
    );
    return result.length > 0;
  });
  await load.end();
  await askAll(here, monitoring);

  const gone = (status: string) =>
    monitoring.notices.filter((one) => one.status === status && one.labels['alertname'] === 'WaybillGone');
  const before = gone('firing').length;
  await server.stop('SIGKILL');
  await until('somebody is told that it is gone', () => gone('firing').length > before, 30_000);
  const [notice] = gone('firing').slice(-1);
  check(
    'killed: somebody is told, with the page to read',
    notice?.annotations['runbook_url'] === 'docs/runbook.md#waybillgone',
    notice?.annotations,
  );
  check(
    'who answers for the same is not told twice',
    !monitoring.notices.some((one) => one.labels['alertname'] === 'WaybillDown'),
  );
  const ended = gone('resolved').length;
  const again = await startServer(here, environment(postgres.server.url), { port: server.port });
  await until('somebody is told that it is back', () => gone('resolved').length > ended, 30_000);
  check('back: somebody is told', true);
  await again.stop();
}

async function askAll({ check, broken }: Drill, { query, metricNames }: Monitoring): Promise<void> {
  const { panels, alerts: rules } = shipped();
  const odd = broken === 'alerts:panel' ? [{ where: 'Odd', expr: 'rate(orders_lost_total[1m])' }] : [];
  const names = new Set((await metricNames()).map((name) => name.replace(/_(bucket|sum|count)$/, '')));
  const faults: string[] = [];
  for (const { where, expr } of [...panels, ...odd, ...rules]) {
    const unknown = metricsIn(expr).filter((name) => !names.has(name));
    const { error, result } = await query(expr);
    if (unknown.length > 0) faults.push(`${where}: no metric ${unknown.join(', ')}`);
    if (error !== undefined) faults.push(`${where}: ${error}`);
    else if (result.length === 0 && !rules.some((rule) => rule.expr === expr))
      faults.push(`${where}: no answer to ${expr}`);
  }
  check(
    'Prometheus answers every panel and understands every alert',
    faults.length === 0,
    faults.length === 0 ? `${panels.length} expressions of panels, ${rules.length} of alerts` : faults,
  );
}

/** As built: spans of HTTP, routes and SQL arrive; a collector that goes away holds up nothing. */
async function traces(here: Drill, postgres: Postgres): Promise<void> {
  const { check } = here;
  const libraries = new Set<string>();
  const collector = createServer((request, response) => {
    let text = '';
    request.setEncoding('utf8').on('data', (piece: string) => (text += piece));
    request.on('end', () => {
      for (const [, library = ''] of text.matchAll(/@opentelemetry\/instrumentation-(\w+)/g)) libraries.add(library);
      response.setHeader('Content-Type', 'application/json').end('{}');
    });
  }).listen(0, '127.0.0.1');
  await once(collector, 'listening');
  here.onEnd(() => void collector.close());
  const endpoint = `http://127.0.0.1:${(collector.address() as AddressInfo).port}`;
  const env = { ...environment(postgres.server.url), OTEL_EXPORTER_OTLP_ENDPOINT: endpoint };
  const server = await startServer(here, env);
  await openShop(server.url);
  await until('spans arrive', () => libraries.size >= 3, 20_000).catch(() => undefined);
  check('spans of http, express and pg arrive', libraries.size === 3, [...libraries]);
  collector.close();
  collector.closeAllConnections();
  await fetch(`${server.url}/api/v1/products`);
  check('with the collector gone SIGTERM ends it with 0', (await server.stop()) === 0);
  check('and the log tells of the lost spans', saidIn(server, '"msg":"traces not sent"').length > 0);
}
