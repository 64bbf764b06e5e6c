// Limits that several processes share: counted once with four workers and with four replicas on Redis, and in nobody's way when Redis dies or freezes.
import { randomBytes } from 'node:crypto';
import { request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { drill, type Drill } from './support/drill.ts';
import { freePort, start, until, type Running } from './support/processes.ts';
import { build, environment, openShop, startPostgres, startServer, type Postgres } from './support/world.ts';

const PER_ADDRESS = 100;
const PER_ACCOUNT = 5;
/** What P10 allows to be added to an answer. */
const ADDED_MS_MAX = 300;
const FORGED = 300;

const parts: Record<string, (here: Drill, postgres: Postgres) => Promise<void>> = { workers, replicas };

await drill(
  {
    name: 'limits',
    needs: { 'redis-server': 'redis-server' },
    // alone: the replicas know no Redis; hops: one proxy more is believed than there is.
    breaks: ['alone', 'hops'],
    parts: Object.keys(parts),
  },
  async (here) => {
    build();
    const postgres = await startPostgres(here);
    for (const part of here.parts) await parts[part]?.(here, postgres);
  },
);

function limited(postgres: Postgres): Record<string, string> {
  const max = { RATE_LIMIT_MAX: String(PER_ADDRESS), LOGIN_RATE_LIMIT_MAX: String(PER_ACCOUNT) };
  return { ...environment(postgres.server.url), ...max };
}

/** WORKERS=4, no Redis, behind one proxy that adds the true address at the end. */
async function workers(here: Drill, postgres: Postgres): Promise<void> {
  const hops = here.broken === 'hops' ? '2' : '1';
  const fleet = await startServer(here, { ...limited(postgres), WORKERS: '4', TRUST_PROXY: hops });
  const own = { 'X-Forwarded-For': '203.0.113.1' };
  await sixLogins(here, 'four workers', () => ({ url: fleet.url, headers: own }));
  const forged = (i: number) => ({ 'X-Forwarded-For': `198.51.100.${i % 250}, 10.0.${i}.1, 203.0.113.2` });
  await forging(here, 'four workers, one hop', PER_ADDRESS, (i) => ({ url: fleet.url, headers: forged(i) }));
  await unlimited(here, fleet.url, { 'X-Forwarded-For': '203.0.113.2' });
  await fleet.stop();
}

/** Four processes, no proxy; Redis counts for them. */
async function replicas(here: Drill, postgres: Postgres): Promise<void> {
  const redis = await startRedis(here);
  const shared = here.broken === 'alone' ? {} : { REDIS_URL: `redis://127.0.0.1:${redis.port}` };
  const servers: (Running & { url: string })[] = [];
  for (let i = 0; i < 4; i++) servers.push(await startServer(here, { ...limited(postgres), ...shared }));
  const nth = (i: number) => servers[i % servers.length]?.url ?? '';
  const shop = await openShop(nth(0));
  await sixLogins(here, 'four replicas', (i) => ({ url: nth(i), headers: {} }));
  // Before: three to open the shop, six logins.
  const forged = (i: number) => ({ 'X-Forwarded-For': `198.51.100.${i % 250}` });
  await forging(here, 'four replicas, no hop', PER_ADDRESS - 9, (i) => ({ url: nth(i), headers: forged(i) }));
  if (here.broken !== null) return;

  const auth = { Authorization: `Bearer ${shop.token}` };
  const before = await watch(here, nth, auth, async () => undefined);
  for (const fault of ['SIGKILL', 'SIGSTOP'] as const) {
    const during = await watch(here, nth, auth, () => redis.end(fault));
    judge(here, fault, before, during);
    await redis.comeBack(fault);
    await untilShared(here, servers, auth);
    await sixLogins(here, `four replicas after ${fault}`, (i) => ({ url: nth(i), headers: auth }));
  }
}

type Sent = { url: string; headers: Record<string, string> };

/** `to(i)` is where the i-th is sent, as whom. */
async function sixLogins({ check }: Drill, whose: string, to: (i: number) => Sent): Promise<void> {
  const body = JSON.stringify({ email: `${randomBytes(6).toString('hex')}@example.com`, password: 'wrong' });
  const statuses = [];
  for (let i = 0; i <= PER_ACCOUNT; i++) statuses.push((await ask('POST', '/api/v1/auth/login', to(i), body)).status);
  check(`${whose}: the sixth login is refused`, statuses.join() === '401,401,401,401,401,429', statuses);
}

async function forging({ check }: Drill, whose: string, passing: number, to: (i: number) => Sent): Promise<void> {
  const statuses = [];
  for (let i = 0; i < FORGED; i++) statuses.push((await ask('GET', '/api/v1/products', to(i))).status);
  const passed = statuses.filter((status) => status === 200).length;
  const refused = statuses.filter((status) => status === 429).length;
  check(
    `${whose}: ${FORGED} forged X-Forwarded-For are one caller`,
    passed === passing && passed + refused === FORGED,
    {
      passed,
      refused,
    },
  );
}

/** By whom has used up everything else. */
async function unlimited({ check }: Drill, url: string, headers: Record<string, string>): Promise<void> {
  const statuses: Record<string, Set<number>> = { '/health': new Set(), '/ready': new Set(), '/metrics': new Set() };
  const webhook = '/api/v1/payments/webhooks/test';
  statuses[webhook] = new Set();
  for (let i = 0; i < PER_ADDRESS + 20; i++)
    for (const [path, seen] of Object.entries(statuses))
      seen.add(
        (await ask(path === webhook ? 'POST' : 'GET', path, { url, headers }, path === webhook ? '{}' : '')).status,
      );
  const all = Object.values(statuses).flatMap((seen) => [...seen]);
  check('probes, numbers and webhooks are never limited', !all.includes(429), all.join());
}

type Seen = { slowestMs: number; statuses: Record<string, number>; servers: number };

/** Reads and logins at every replica, a few seconds long, while something happens. */
async function watch(
  { isShort }: Drill,
  nth: (i: number) => string,
  headers: Record<string, string>,
  happens: () => Promise<void>,
): Promise<Seen> {
  const seen: Seen = { slowestMs: 0, statuses: {}, servers: 0 };
  const end = new AbortController();
  const note = ({ status, tookMs }: Answer) => {
    seen.statuses[status] = (seen.statuses[status] ?? 0) + 1;
    seen.slowestMs = Math.max(seen.slowestMs, tookMs);
  };
  const visitor = async (i: number) => {
    const to = { url: nth(i), headers };
    for (let j = 0; !end.signal.aborted; j++) {
      note(await ask('GET', '/api/v1/products', to));
      const email = `${randomBytes(6).toString('hex')}@example.com`;
      // A made-up refresh token is refused without hashing, so that the processor is not what is measured.
      if (j % 5 === 0) note(await ask('POST', '/api/v1/auth/refresh', to, JSON.stringify({ refreshToken: email })));
      await sleep(10);
    }
  };
  const visitors = Array.from({ length: 8 }, (_, i) => visitor(i));
  await sleep(500);
  await happens();
  await sleep(isShort ? 3000 : 15_000);
  end.abort();
  await Promise.all(visitors);
  return seen;
}

function judge({ check }: Drill, fault: string, before: Seen, during: Seen): void {
  const odd = Object.keys(during.statuses).filter((status) => !['200', '401'].includes(status));
  check(`Redis gets ${fault}: every read and refresh is answered`, odd.length === 0, during.statuses);
  const seen = `slowest ${Math.round(before.slowestMs)} ms before, ${Math.round(during.slowestMs)} ms then`;
  check(`and none waits ${ADDED_MS_MAX} ms longer`, during.slowestMs <= before.slowestMs + ADDED_MS_MAX, seen);
}

type Answer = { status: number; tookMs: number };

/** On a connection of its own: a cluster hands connections to its workers in turn. */
function ask(method: string, path: string, { url, headers }: Sent, body = ''): Promise<Answer> {
  const options = { method, agent: false, headers: { 'Content-Type': 'application/json', ...headers } };
  const begin = performance.now();
  return new Promise((resolve, reject) => {
    const sent = request(`${url}${path}`, options, (answer) => {
      const { statusCode: status = 0 } = answer;
      answer.resume().once('end', () => resolve({ status, tookMs: performance.now() - begin }));
    });
    sent.once('error', reject);
    sent.end(body);
  });
}

async function startRedis({ onEnd, folder }: Drill) {
  const port = await freePort();
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
  const open = async () => {
    const running = start('redis-server', args, { cwd: folder });
    await until('Redis is ready', () => running.log.some((line) => line.includes('Ready to accept connections')));
    return running;
  };
  let running = await open();
  onEnd(() => running.stop('SIGKILL'));
  return {
    port,
    end: async (signal: 'SIGKILL' | 'SIGSTOP') => {
      if (signal === 'SIGKILL') await running.stop(signal);
      else running.child.kill(signal);
    },
    comeBack: async (from: 'SIGKILL' | 'SIGSTOP') => {
      if (from === 'SIGKILL') running = await open();
      else running.child.kill('SIGCONT');
    },
  };
}

/** By themselves, as soon as somebody calls. */
async function untilShared(
  { check }: Drill,
  servers: (Running & { url: string })[],
  headers: Record<string, string>,
): Promise<void> {
  const isShared = async ({ log, url }: Running & { url: string }) => {
    await ask('GET', '/api/v1/products', { url, headers });
    const last = log.findLast((line) => line.includes('limits are counted with'));
    return last?.includes('with it again') ?? false;
  };
  for (const server of servers) await until('limits are shared again', () => isShared(server), 15_000);
  check('when it is back it counts again, by itself', true);
}
