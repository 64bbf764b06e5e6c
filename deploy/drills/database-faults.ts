// PostgreSQL restarts, stops, freezes, and the wire to it goes bad, while 24 customers order: everyone is answered, nothing is lost or doubled.
import { randomUUID } from 'node:crypto';
import { chmod, mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { FaultProxy, type Fault } from '../../chaos/fault-proxy.ts';
import { startEmbeddedPostgres } from '../../shared/database/embedded.ts';
import { drill, type Drill } from './support/drill.ts';
import { freePort, until, type Running } from './support/processes.ts';
import { build, environment, openShop, socketOf, startPostgres, startServer, type Shop } from './support/world.ts';

const CLIENTS = 24;
/** Retry-After says a second; a client that asks five times as often sees more. */
const RETRY_MS = 200;
const PATIENCE_MS = 15_000;
const GOOD_AGAIN_MS = 5_000;
const DOWN_P99_MS = 500;
const FROZEN_MAX_MS = 3_500;

/** Planted into the server: nobody hears of lost connections; nobody gives up on a silent one. */
const faults: Record<string, string> = {
  deaf: `pg.Pool.prototype.on = function (name) { return this; };`,
  patient: `const { setTimeout } = globalThis;
    globalThis.setTimeout = (work, ms, ...rest) => setTimeout(work, ms > 1000 && ms <= 3200 ? 60_000 : ms, ...rest);`,
};
const planted = (fault: string): string =>
  `--import=data:text/javascript,${encodeURIComponent(`
    import { createRequire } from 'node:module';
    const pg = createRequire(process.cwd() + '/')('pg');
    ${faults[fault] ?? ''}`)}`;

const parts: Record<string, (here: Drill) => Promise<void>> = { server, wire };

await drill({ name: 'database-faults', parts: Object.keys(parts), breaks: Object.keys(faults) }, async (here) => {
  build();
  for (const part of here.parts) await parts[part]?.(here);
});

/** P8 and P9: the server itself. */
async function server(here: Drill): Promise<void> {
  const downMs = here.isShort ? 4_000 : 8_000;
  const world = await open(here, 'server');
  const dataDir = join(here.folder, 'server', 'postgres');
  const start = async () => {
    world.postgres = await startEmbeddedPostgres({ dataDir, settings: { max_connections: '200' } });
    here.onEnd(() => world.postgres.stop());
  };
  await world.during('restarted (immediate)', { recover: start, maxMs: FROZEN_MAX_MS }, async () => {
    process.kill(world.postgres.pid, 'SIGQUIT');
    await until('it is gone', () => !isAlive(world.postgres.pid));
  });
  await world.during(`stopped for ${downMs / 1000} s`, { recover: start, p99Ms: DOWN_P99_MS }, async () => {
    await world.postgres.stop();
    await sleep(downMs);
  });
  const frozen: number[] = [];
  const thaw = () => {
    for (const pid of frozen.splice(0).toReversed()) process.kill(pid, 'SIGCONT');
  };
  here.onEnd(thaw);
  await world.during(`frozen for ${downMs / 1000} s`, { recover: thaw, maxMs: FROZEN_MAX_MS }, async () => {
    frozen.push(world.postgres.pid, ...(await childrenOf(world.postgres.pid)));
    for (const pid of frozen) process.kill(pid, 'SIGSTOP');
    await sleep(downMs);
  });
  await world.judge();
}

/** What lies between: our proxy. */
async function wire(here: Drill): Promise<void> {
  const badMs = here.isShort ? 3_000 : 8_000;
  const world = await open(here, 'wire', true);
  const proxy = world.proxy as FaultProxy;
  let pieces = 0;
  const bad: [string, Fault, { maxMs: number; p99Ms?: number; only201?: boolean }][] = [
    ['late by 50 ms', { kind: 'latency', ms: 50 }, { maxMs: FROZEN_MAX_MS, only201: true }],
    ['refused', { kind: 'refuse' }, { maxMs: FROZEN_MAX_MS, p99Ms: DOWN_P99_MS }],
    ['reset', { kind: 'reset' }, { maxMs: FROZEN_MAX_MS, p99Ms: DOWN_P99_MS }],
    ['silent', { kind: 'blackhole' }, { maxMs: FROZEN_MAX_MS }],
    // Placing is one statement and its own commit; every 7th of all pieces is one of these now and then.
    ['cut after it was done', { kind: 'cut', fits: (asked) => asked.includes('COMMIT') || ++pieces % 7 === 0 }, { maxMs: FROZEN_MAX_MS }], // prettier-ignore
  ];
  for (const [name, fault, bounds] of bad)
    await world.during(`the wire is ${name}`, { recover: () => proxy.set({ kind: 'none' }), ...bounds }, async () => {
      await proxy.set(fault);
      await sleep(badMs);
    });
  here.check('answers were cut off', proxy.cuts > 3, proxy.cuts);
  await world.judge();
}

type Attempt = { at: number; ms: number; what: string; retryAfter: string | null };

/** A database, a server, and customers who follow our published rules: the same key until it is 201. */
async function open(here: Drill, name: string, throughProxy = false) {
  const { say, check, onEnd } = here;
  const folder = join(here.folder, name);
  await mkdir(folder);
  await chmod(folder, 0o755);
  const { server: embedded, sql } = await startPostgres({ folder, onEnd });
  const proxy = throughProxy ? await FaultProxy.start(await freePort(), { path: socketOf(embedded.url) }) : null;
  if (proxy !== null) onEnd(() => proxy.stop());
  const url = proxy === null ? embedded.url : `postgresql://waybill@127.0.0.1:${proxy.port}/waybill`;
  const app = await startServer(here, {
    ...environment(url),
    DATABASE_DIRECT_URL: url,
    ...(here.broken !== null && { NODE_OPTIONS: planted(here.broken) }),
  });
  const crowd = customers(app.url, await openShop(app.url));
  onEnd(() => crowd.end());
  await until('orders come in', () => crowd.ids.length > 50);

  return {
    postgres: embedded,
    proxy,
    during: async (
      what: string,
      {
        recover,
        p99Ms,
        maxMs,
        only201 = false,
      }: { recover: () => unknown; p99Ms?: number; maxMs?: number; only201?: boolean },
      spoil: () => Promise<void>,
    ): Promise<void> => {
      const begin = performance.now();
      await spoil();
      const end = performance.now();
      await recover();
      const healed = performance.now();
      const before = crowd.ids.length;
      await until('orders come in again', () => isOver(app) || crowd.ids.length >= before + CLIENTS, PATIENCE_MS).catch(() => undefined); // prettier-ignore
      const againMs = performance.now() - healed;
      const seen = crowd.attempts.splice(0).filter(({ at }) => at >= begin - 50);
      const counts: Record<string, number> = {};
      for (const { what: one } of seen) counts[one] = (counts[one] ?? 0) + 1;
      say(`${what}: ${JSON.stringify(counts)}`);
      const allowed = only201 ? ['201'] : ['201', '503', '409 idempotency_in_progress'];
      check(`${what}: only what is documented`, seen.length > 0 && Object.keys(counts).every((one) => allowed.includes(one)), counts); // prettier-ignore
      const silent = seen.filter((one) => one.what === '503' && one.retryAfter === null);
      check(`${what}: every 503 says when to try again`, silent.length === 0);
      const times = seen.filter(({ at }) => at <= end).map(({ ms }) => ms).toSorted((one, other) => one - other); // prettier-ignore
      if (p99Ms !== undefined) judgeTime(check, `${what}: 99 of 100 are answered`, quantile(times, 0.99), p99Ms);
      if (maxMs !== undefined) judgeTime(check, `${what}: everyone is answered`, quantile(times, 1), maxMs);
      judgeTime(check, `${what}: good again`, againMs, GOOD_AGAIN_MS);
      check(`${what}: the process lives`, !isOver(app), app.child.exitCode ?? undefined);
    },
    judge: async (): Promise<void> => {
      await crowd.end();
      const rows = await sql<{ id: string }>('SELECT id FROM orders.orders');
      const stored = new Set(rows.map(({ id }) => id));
      const lost = crowd.ids.filter((id) => !stored.has(id));
      check(
        'no acknowledged order is lost',
        lost.length === 0,
        `${crowd.ids.length} acknowledged, ${lost.length} lost`,
      );
      check(
        'none is there twice',
        stored.size === crowd.intents(),
        `${crowd.intents()} intents, ${stored.size} orders`,
      );
      check('SIGTERM ends it with 0', (await app.stop()) === 0);
    },
  };
}

function customers(url: string, { token, sku }: Shop) {
  const attempts: Attempt[] = [];
  const ids: string[] = [];
  const body = JSON.stringify({ lines: [{ sku, quantity: 1 }] });
  const closing = new AbortController();
  let intents = 0;

  const attempt = async (key: string): Promise<boolean> => {
    const at = performance.now();
    const tell = (what: string, retryAfter: string | null) => attempts.push({ at, ms: performance.now() - at, what, retryAfter }); // prettier-ignore
    try {
      const headers = { 'Content-Type': 'application/json', Authorization: `Bearer ${token}`, 'Idempotency-Key': key };
      const response = await fetch(`${url}/api/v1/orders`, { method: 'POST', headers, body, signal: AbortSignal.timeout(PATIENCE_MS) }); // prettier-ignore
      const answer = (await response.json()) as { data?: { id: string }; code?: string };
      tell(
        response.status === 409 ? `409 ${answer.code}` : String(response.status),
        response.headers.get('retry-after'),
      );
      if (response.status === 201 && answer.data !== undefined) ids.push(answer.data.id);
      return response.status === 201;
    } catch (error) {
      const { cause } = error as { cause?: { code?: string } };
      tell(cause?.code ?? String(error), null);
      return false;
    }
  };
  const customer = async () => {
    while (!closing.signal.aborted) {
      const key = randomUUID();
      intents++;
      for (let tries = 0; tries < 100 && !(await attempt(key)); tries++) await sleep(RETRY_MS);
    }
  };
  const all = Promise.all(Array.from({ length: CLIENTS }, customer));
  return { attempts, ids, intents: () => intents, end: async () => (closing.abort(), void (await all)) };
}

function isOver({ child }: Running): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

function quantile(sorted: number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Infinity;
}

function judgeTime(check: Drill['check'], what: string, ms: number, atMostMs: number): void {
  check(`${what} within ${atMostMs} ms`, ms <= atMostMs, `${Math.round(ms)} ms`);
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** Backends lead groups of their own: a signal to the postmaster's reaches none of them. */
async function childrenOf(pid: number): Promise<number[]> {
  const all = (await readdir('/proc')).map(Number).filter((one) => one > 0);
  const parents = all.map(async (one) => {
    const stat = await readFile(`/proc/${one}/stat`, 'utf8').catch(() => '');
    return Number(stat.slice(stat.lastIndexOf(')') + 4).split(' ', 1)[0]) === pid ? [one] : [];
  });
  return (await Promise.all(parents)).flat();
}
