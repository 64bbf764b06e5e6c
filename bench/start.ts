// Starting: from nothing to ready, later starts, and the memory of a server that nobody asks.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { answers, freePort, until } from '../deploy/drills/support/processes.ts';
import { root, startPostgres } from '../deploy/drills/support/world.ts';
import { atMost, shown, type Bench, type Figure, type Findings, type Part } from './support/bench.ts';
import { residentMegabytesOf, startWaybill } from './support/servers.ts';
import { figureOf } from './support/statistics.ts';

export const start: Part = { about: 'first and later starts, to ready; memory of an idle server', measure };

const npmStart = ['npm', 'start'];
const PROGRAM = 'dist/server.js';
const program = [process.execPath, PROGRAM];
const IDLE_MS = 60_000;

async function measure(bench: Bench): Promise<Findings> {
  const commands = bench.isShort ? { [PROGRAM]: program } : { 'npm start': npmStart, [PROGRAM]: program };
  const times: Record<string, number[]> = {};
  for (let round = 0; round < bench.rounds; round++) {
    bench.progress('starting', round / bench.rounds);
    for (const [name, command] of Object.entries(commands)) {
      const dataDir = await mkdtemp(join(bench.folder, 'data-'));
      await chmod(dataDir, 0o755); // PostgreSQL does not run as root and must be able to enter
      for (const nth of ['first', 'later'])
        (times[`${name}, ${nth}`] ??= []).push(await timeToReady(bench, command, dataDir));
    }
  }
  const figures = Object.entries(times).map(([label, values]) => ({ label, ...figureOf(values) }));
  const idle = await measureIdle(bench);
  const seconds = (name: string) => (figures.find(({ label }) => label === name)?.median ?? Number.NaN) / 1000;
  return {
    sections: [
      {
        title: 'From the command to ready',
        slug: 'start',
        tables: [
          { title: 'With the embedded PostgreSQL', head: ['', 'ms', 'min–max'], rows: figures.map(cellsOf) },
          { title: `Memory of a server in production, ${IDLE_MS / 1000} s after its start`, head: ['', 'MB'], rows: [['resident', shown(idle)]] },
        ],
        chart: { unit: 'milliseconds', groups: [{ title: 'With the embedded PostgreSQL', bars: figures }] },
      },
    ],
    bars: bench.isShort ? [] : [
      atMost(5, seconds('npm start, first'), { what: 'first npm start to ready: built, database made', unit: 's' }),
      atMost(1.5, seconds('dist/server.js, later'), { what: 'a later start of what is built, to ready', unit: 's' }),
      atMost(110, idle, { what: 'resident memory of an idle server', unit: 'MB' }),
    ],
    notes: ['`npm start` builds before it serves, every time; `dist/server.js` is what a service runs.'],
  }; // prettier-ignore
}

const cellsOf = ({ label, median, min, max }: { label: string } & Figure): string[] => [
  label,
  shown(median),
  `${shown(min)}–${shown(max)}`,
];

async function timeToReady({ onEnd }: Bench, [command = '', ...args]: string[], dataDir: string): Promise<number> {
  const { PATH = '', HOME = '' } = process.env;
  const port = await freePort();
  const begin = performance.now();
  const child = spawn(command, args, {
    cwd: root,
    // npm takes the node of the PATH, which has to be ours.
    env: { PATH: `${dirname(process.execPath)}${delimiter}${PATH}`, HOME, PORT: String(port), DATA_DIR: dataDir },
    stdio: 'ignore',
  });
  const stop = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGTERM');
    await once(child, 'exit');
  };
  onEnd(stop);
  await until('it is ready', () => child.exitCode !== null || answers(`http://127.0.0.1:${port}/ready`));
  if (child.exitCode !== null) throw new Error(`${command} ended with ${child.exitCode}`);
  const ms = performance.now() - begin;
  await stop();
  return ms;
}

async function measureIdle(bench: Bench): Promise<number> {
  const postgres = await startPostgres(bench);
  const server = await startWaybill(bench, { databaseUrl: postgres.server.url });
  bench.progress('idle', 0);
  await sleep(bench.isShort ? 500 : IDLE_MS);
  return residentMegabytesOf(server.pid);
}
