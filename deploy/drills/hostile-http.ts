// What no honest client does, to the server as deployed: every probe has its answer, the slow are shown out, and memory stays.
import { readFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { faultsOf, hostileProbes, probe, type Target } from '../../tests/support/hostile-probes.ts';
import { drill, type Drill } from './support/drill.ts';
import { answers } from './support/processes.ts';
import { build, environment, openShop, startPostgres, startServer } from './support/world.ts';

const SILENT = 700;
const MEGABYTES_MAX = 150;
/** Nobody below is listened to for longer than this, whatever is wrong. */
const PATIENCE_MS = 30_000;

/** The planted fault: Node's own bounds, with which a silent socket lives for minutes. */
const withoutBounds = `--import=data:text/javascript,${encodeURIComponent(`
  import http from 'node:http';
  import { syncBuiltinESMExports } from 'node:module';
  const { createServer } = http;
  http.createServer = (options, app) => createServer(app);
  syncBuiltinESMExports();
`)}`;

await drill({ name: 'hostile-http', breaks: ['no-bounds'] }, async (here) => {
  build();
  const postgres = await startPostgres(here);
  const env = { ...environment(postgres.server.url), LOG_LEVEL: 'error' };
  const server = await startServer(here, { ...env, ...(here.broken !== null && { NODE_OPTIONS: withoutBounds }) });
  const { token } = await openShop(server.url);
  const target: Target = { hostname: '127.0.0.1', port: server.port, token };
  await everyProbe(here, target);
  await theSlow(here, target, server.pid);
  here.check('the server answers as before', await answers(`${server.url}/ready`));
  here.check('nothing went wrong inside', server.log.length === 0, server.log.slice(0, 3));
  here.check('SIGTERM ends it with 0', (await server.stop()) === 0);
});

async function everyProbe({ check, say }: Drill, target: Target): Promise<void> {
  const faults: string[] = [];
  const probes = hostileProbes(target);
  for (const one of probes)
    faults.push(...(await probe(target, one).then((heard) => faultsOf(one, heard), (error) => [`${one.name}: ${error}`]))); // prettier-ignore
  for (const fault of faults) say(fault);
  check(
    'every probe has the answer it deserves',
    faults.length === 0,
    `${probes.length} probes, ${faults.length} faults`,
  );
}

/** All at once: each waits for nothing but its own time-out. */
async function theSlow({ check }: Drill, { port, token }: Target, pid: number): Promise<void> {
  const before = await megabytesOf(pid);
  const head = `POST /api/v1/orders HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\nIdempotency-Key: slow\r\nContent-Type: application/json\r\n`;
  const silent = Promise.all(Array.from({ length: SILENT }, () => lifeMsOf(port, '', '')));
  const header = lifeMsOf(port, head, 'X');
  const body = lifeMsOf(port, `${head}Content-Length: 1000\r\n\r\n`, ' ');
  const chunks = lifeMsOf(port, `${head}Transfer-Encoding: chunked\r\n\r\n`, '1\r\n \r\n');
  const memory = peakOf(pid);
  const within = (what: string, lifeMs: number, atMostMs: number) =>
    check(`${what} is closed within ${atMostMs / 1000} s`, lifeMs <= atMostMs, `${(lifeMs / 1000).toFixed(1)} s`);
  within('a header that comes byte by byte', await header, 12_000);
  within('a body that comes byte by byte', await body, 17_000);
  within('a chunk a second', await chunks, 17_000);
  within(`each of ${SILENT} silent sockets`, Math.max(...(await silent)), 12_000);
  const megabytes = memory.peak() - before;
  check(`memory grows by at most ${MEGABYTES_MAX} MB`, megabytes <= MEGABYTES_MAX, `${megabytes.toFixed(0)} MB`);
}

/** How long the server bears somebody who begins, and then says a little more every second. */
function lifeMsOf(port: number, beginning: string, more: string): Promise<number> {
  return new Promise((resolve) => {
    const begin = performance.now();
    const socket: Socket = connect(port, '127.0.0.1');
    socket.on('error', () => undefined); // 'close' follows
    socket.resume().write(beginning);
    const drip = setInterval(() => socket.write(more), 1000);
    const giveUp = setTimeout(() => socket.destroy(), PATIENCE_MS);
    socket.once('close', () => {
      clearInterval(drip);
      clearTimeout(giveUp);
      resolve(performance.now() - begin);
    });
  });
}

function peakOf(pid: number): { peak: () => number } {
  let peak = 0;
  const look = setInterval(() => void megabytesOf(pid).then((now) => (peak = Math.max(peak, now))), 250);
  look.unref();
  return { peak: () => (clearInterval(look), peak) };
}

/** Linux only, as all drills. */
async function megabytesOf(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1024;
}
