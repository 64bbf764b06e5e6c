// The leader of three PostgreSQL dies under load: customers get 503 for a while and nothing else, no acknowledged order is lost, and all is well again by itself.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { blocksOf, sectionOf } from '../../scripts/readme.ts';
import { drill, run, type Drill } from './support/drill.ts';
import { adapt } from './support/edge.ts';
import { placeOrders, type Load } from './support/load.ts';
import { freezeSenders, killNode, startCluster, untilFollowed, type Cluster, type Edits } from './support/patroni.ts';
import { until } from './support/processes.ts';
import { build, environment, openShop, root, startServer } from './support/world.ts';

/** Few: each asks again at once when it gets a 503, for half a minute. */
const CUSTOMERS = 8;
/** ttl 20 s, one round of the others, HAProxy's look, and a machine that is busy. */
const AGAIN_MS = 90_000;
const CUT_OFF_MS = 2000;

const needs = { patroni: 'patroni', etcd: 'etcd-server', haproxy: 'haproxy' };

const faults: Record<string, Edits> = {
  /** Customers are led to anybody who lives, leader or not. */
  leader: { haproxy: (text) => adapt(text, [[/GET \/primary/g, 'GET /health']]) },
  /** The leader need not wait for the others. */
  synchronous: { patroni: (text) => adapt(text, [[/synchronous_mode: true/g, 'synchronous_mode: false']]) },
};

await drill({ name: 'patroni', needs, breaks: Object.keys(faults) }, async (here) => {
  const { isShort, broken, say, check } = here;
  build();
  const cluster = await startCluster(here, isShort ? 1 : 3, faults[broken ?? ''] ?? {});
  say(`one leads, ${(await cluster.roles()).join(' and ')} follow`);
  const server = await startServer(here, environment(cluster.urlFor('waybill', 'waybill')));
  const load = placeOrders(here, server.url, await openShop(server.url), { clients: CUSTOMERS });
  for (let death = 1; death <= (isShort ? 1 : 2); death++) await loseTheLeader(here, cluster, load);
  await load.end();
  await judge(here, cluster, load);
  check('the server is the same process', server.child.exitCode === null);
  await restoreABackup(here, cluster);
});

/** It is cut off from the others first, so that nothing it acknowledges alone would outlive it. */
async function loseTheLeader({ say, check }: Drill, cluster: Cluster, load: Load): Promise<void> {
  await untilOrdered(load, 100);
  const old = await cluster.leader();
  const gap = watchGap(load);
  const senders = await freezeSenders(old);
  const before = load.acknowledged.length;
  await sleep(CUT_OFF_MS);
  say(`${old.name} leads and is cut off: ${load.acknowledged.length - before} orders acknowledged in ${CUT_OFF_MS} ms`);
  await killNode(old, senders);
  await until('somebody else leads', async () => (await cluster.leader()) !== old, AGAIN_MS);
  await untilOrdered(load, 50);
  check('orders are placed again', true, `by ${(await cluster.leader()).name}, after ${gap()} s without one`);
  await old.begin();
  await untilFollowed(cluster);
  check('the dead one follows', true, (await cluster.roles()).join());
}

/** @returns the longest time without an order, in seconds */
function watchGap(load: Load): () => number {
  let [count, since, longestMs] = [load.acknowledged.length, performance.now(), 0];
  const timer = setInterval(() => {
    if (load.acknowledged.length === count) return;
    longestMs = Math.max(longestMs, performance.now() - since);
    [count, since] = [load.acknowledged.length, performance.now()];
  }, 10);
  return () => {
    clearInterval(timer);
    return Math.round(longestMs / 100) / 10;
  };
}

async function untilOrdered(load: Load, more: number): Promise<void> {
  const wanted = load.acknowledged.length + more;
  await until(`${more} more orders are placed`, () => load.acknowledged.length >= wanted, AGAIN_MS);
}

/** An order answered 503 may be there or not: only its key, sent again, would tell. One answered 201 must be there. */
async function judge({ check }: Drill, { sql }: Cluster, load: Load): Promise<void> {
  check('only 201 and 503', Object.keys(load.counts).every((one) => ['201', '503'].includes(one)), load.counts); // prettier-ignore
  const rows = await sql<{ id: string }>('SELECT id FROM orders.orders', 'waybill');
  const stored = new Set(rows.map(({ id }) => id));
  const lost = load.acknowledged.filter((id) => !stored.has(id)).length;
  check('no acknowledged order is lost', lost === 0, `${load.acknowledged.length} acknowledged, ${lost} lost, ${stored.size} stored`); // prettier-ignore
}

/** What docs/operations.md tells people to type, and then a server on what was restored. */
async function restoreABackup(here: Drill, { sql, urlFor, binDir }: Cluster): Promise<void> {
  const text = await readFile(join(root, 'docs/operations.md'), 'utf8');
  const [command] = blocksOf(sectionOf(text, 'Backups'), 'sh');
  if (command === undefined) throw new Error('docs/operations.md lost its commands');
  const env = {
    PATH: `${binDir}:${process.env['PATH'] ?? ''}`,
    DATABASE_URL: urlFor('waybill', 'waybill'),
    admin: urlFor('postgres', 'postgres'),
    restored: urlFor('waybill', 'restored'),
  };
  const { status, output } = run('sh', ['-euc', command], { cwd: here.folder, env });
  here.check('a backup is made and restored', status === 0, output);
  const count = async (database: string) => (await sql<{ count: string }>('SELECT count(*) FROM orders.orders', database))[0]?.count; // prettier-ignore
  const [kept, restored] = [await count('waybill'), await count('restored')];
  here.check('with every order', kept === restored, `${restored} of ${kept}`);
  const server = await startServer(here, environment(urlFor('waybill', 'restored')));
  const shop = await openShop(server.url);
  const load = placeOrders(here, server.url, shop, { clients: 1 });
  await untilOrdered(load, 5);
  await load.end();
  here.check('and goes on from there', Object.keys(load.counts).join() === '201', load.counts);
}
