// Processes are replaced, again and again, while 64 customers order on kept-alive connections: nobody notices.
import { randomUUID } from 'node:crypto';
import { makeCertificate } from './support/certificate.ts';
import { ask } from './support/ask.ts';
import { drill, pathOf, Skip, type Drill } from './support/drill.ts';
import type { Edge } from './support/edge.ts';
import { startHaproxy } from './support/haproxy.ts';
import { judge, placeOrders, type Load } from './support/load.ts';
import { startNginx } from './support/nginx.ts';
import { startPm2 } from './support/pm2.ts';
import { tryParts } from './support/parts.ts';
import { freePort, until, type Running } from './support/processes.ts';
import { openSite } from './support/site.ts';
import { builtProgram, plantBugs } from './support/tree.ts';
import { environment, openShop, startPostgres, startServer, type Shop } from './support/world.ts';

/** While one is away the other has all 64 customers: as many connections as that takes, and no judgement of how late a busy machine is. */
const STRONG = { DATABASE_POOL_MAX: '32', OVERLOAD_LOOP_DELAY_MS: '0' };

const parts = { workers, nginx, haproxy, pm2, deploy };

const ways = (program: string): Record<string, (here: Drill) => Promise<void>> =>
  Object.fromEntries(Object.entries(parts).map(([name, way]) => [name, (here: Drill) => way(here, program)]));

await drill({ name: 'drain', parts: Object.keys(parts), breaks: ['bare-close'] }, async (here) => {
  const program = await builtProgram(here);
  await tryParts(here, ways(program));
});

/** WORKERS=2, reloaded by SIGHUP. */
async function workers(here: Drill, cwd: string): Promise<void> {
  const postgres = await startPostgres(here);
  const fleet = await startServer(here, { ...environment(postgres.server.url), ...STRONG, WORKERS: '2' }, { cwd });
  const said = (text: string) => fleet.log.filter((line) => line.includes(text));
  await until('both workers answer', () => said('"msg":"listening"').length === 1);
  const load = placeOrders(here, fleet.url, await openShop(fleet.url));
  await again(here, load, async (reload) => {
    fleet.child.kill('SIGHUP');
    await until(`reload ${reload} is over`, () => said('"msg":"reloaded"').length >= reload);
  });
  await load.end();
  await judge(here, postgres, load);
  const exits = said('"msg":"worker left"').map((line) => (JSON.parse(line) as { code: number }).code);
  here.check('every replaced worker ended with 0', exits.length > 0 && exits.every((code) => code === 0), exits.join());
  here.check('no worker died', said('"msg":"worker died"').length === 0);
  here.check('SIGTERM ends the fleet with 0', (await fleet.stop()) === 0);
}

/** Two replicas behind nginx, restarted in turn. */
async function nginx(here: Drill, cwd: string): Promise<void> {
  await behind(here, cwd, { package: 'nginx', start: startNginx });
}

/** The same behind HAProxy, which looks after them every second. */
async function haproxy(here: Drill, cwd: string): Promise<void> {
  await behind(here, cwd, { package: 'haproxy', start: startHaproxy });
}

type Proxy = { package: string; start: typeof startNginx };

async function behind(here: Drill, cwd: string, proxy: Proxy): Promise<void> {
  if (pathOf(proxy.package) === null) throw new Skip(`missing ${proxy.package}: apt-get install ${proxy.package}`);
  const postgres = await startPostgres(here);
  const env = { ...environment(postgres.server.url), ...STRONG, TRUST_PROXY: '1' };
  const ports: [number, number] = [await freePort(), await freePort()];
  const startOne = (port: number) => startServer(here, env, { cwd, port });
  const replicas = [await startOne(ports[0]), await startOne(ports[1])];
  const edge = await proxy.start(here, { certificate: await makeCertificate(here.folder), replicas: ports });
  const shop = await openShop(replicas[0]?.url ?? '');
  const load = placeOrders(here, edge.url, shop, { trust: edge });
  const exits: (number | null)[] = [];
  await again(here, load, async (restart) => {
    const turn = restart % 2;
    exits.push((await replicas[turn]?.stop()) ?? null);
    const port = ports[turn === 0 ? 0 : 1];
    replicas[turn] = await startOne(port);
    await edge.untilUsed?.(port);
  });
  await load.end();
  await judge(here, postgres, load);
  for (const line of edge.running.log.filter((one) => one.startsWith('Server'))) here.say(line);
  judgeLost(here, (await edge.lost?.()) ?? [], exits.length);
  await followOneId(here, edge, shop, replicas);
  here.check('every stopped replica ended with 0', exits.every((code) => code === 0), exits.join()); // prettier-ignore
  for (const replica of replicas) here.check('SIGTERM ends a replica with 0', (await replica.stop()) === 0);
}

/** One id: sent by the caller, in the proxy's log, in ours, in the database and in the answer. */
async function followOneId(here: Drill, edge: Edge, { token, sku }: Shop, replicas: Running[]): Promise<void> {
  const id = `drill-${randomUUID()}`;
  const headers = { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json', 'Idempotency-Key': randomUUID(), 'X-Request-Id': id }; // prettier-ignore
  const body = JSON.stringify({ lines: [{ sku, quantity: 1 }] });
  const { status, header } = await ask(edge, '/api/v1/orders', { method: 'POST', headers, body });
  const isIn = (lines: object[]) => lines.some((line) => 'requestId' in line && line.requestId === id);
  const own = () => replicas.flatMap(({ log }) => log.filter((line) => line.includes('"msg":"request"'))).map((line) => JSON.parse(line) as object); // prettier-ignore
  await until('both have logged it', async () => isIn(await edge.accessLog()) && isIn(own()), 10_000);
  here.check('one id in the log of the proxy, in ours and in the answer', status === 201 && header('x-request-id').join() === id, id); // prettier-ignore
}

/** `pm2 reload` with our ecosystem file. */
async function pm2(here: Drill, cwd: string): Promise<void> {
  const postgres = await startPostgres(here);
  const port = await freePort();
  const daemon = await startPm2(here, cwd, { ...environment(postgres.server.url), ...STRONG, PORT: String(port) });
  const url = `http://127.0.0.1:${port}`;
  const load = placeOrders(here, url, await openShop(url));
  await again(here, load, () => daemon.reload());
  await load.end();
  await judge(here, postgres, load);
  await daemon.judge();
}

/** `deploy.sh` from one commit to the next; each restarts two replicas behind nginx. */
async function deploy(here: Drill): Promise<void> {
  const postgres = await startPostgres(here);
  const site = await openSite(here, { ...environment(postgres.tcpUrl), ...STRONG });
  const bringNext = async () => {
    const { commit, artefact } = await site.pack((tree) => plantBugs(tree, here.broken));
    const { status, output } = await site.deploy(artefact);
    const seen = await site.serving();
    here.check(`${commit} serves`, status === 0 && seen.every((one) => one === commit), status === 0 ? seen : output);
  };
  await bringNext();
  const load = placeOrders(here, site.edge.url, await openShop(site.url), { trust: site.edge });
  await again(here, load, bringNext, 2);
  await load.end();
  await judge(here, postgres, load);
  judgeLost(here, (await site.edge.lost?.()) ?? [], site.exits.length);
  here.check('every stopped replica ended with 0', site.exits.length > 0 && site.exits.every((code) => code === 0), site.exits.join()); // prettier-ignore
}

/** A connection that is closed as idle in the very moment in which a request is sent on it cannot be helped, only tried again: then there are few. */
function judgeLost({ check }: Drill, lost: string[], restarts: number): void {
  check('few retries were needed for what a replica had taken', lost.length <= 4 * restarts, `${lost.length} in ${restarts} restarts`); // prettier-ignore
}

/** As often as is promised, and until enough orders were sent. */
async function again(
  { isShort, say }: Drill,
  load: Load,
  restart: (turn: number) => Promise<void>,
  processes = 1,
): Promise<void> {
  const [restarts, orders] = isShort ? [2, 500] : [8, 10_000];
  for (let turn = 1; turn * processes <= restarts || load.sent() < orders; turn++) {
    await restart(turn);
    say(`restart ${turn * processes}: ${load.sent()} orders sent`);
  }
}
