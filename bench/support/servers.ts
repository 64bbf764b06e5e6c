// The servers under load, each a process of the same Node.js: Waybill as built, as in production, and the bare ones it is held against.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { answers, freePort, until } from '../../deploy/drills/support/processes.ts';
import { environment, root } from '../../deploy/drills/support/world.ts';
import type { Bench } from './bench.ts';

export type Server = {
  port: number;
  pid: number;
  /** SIGTERM. @returns the exit code */
  stop: () => Promise<number | null>;
  /** What it has written, the request log above all, is forgotten. */
  emptyLog: () => Promise<void>;
  isOver: () => boolean;
};

const DAY_MS = '86400000';
/** With the million of `environment`: one address may speak for everybody. */
const LIMIT_WINDOW_MS = '10000';

/** As in production, request log and all. Only the limits are raised, and reservations outlive the run. */
export function production(databaseUrl: string): Record<string, string> {
  const { OVERLOAD_LOOP_DELAY_MS: _asByDefault, ...env } = environment(databaseUrl);
  return { ...env, RATE_LIMIT_WINDOW_MS: LIMIT_WINDOW_MS, RESERVATION_TTL_MS: DAY_MS };
}

type WaybillOptions = { databaseUrl: string; env?: Record<string, string>; nodeFlags?: string[] };

/** One server on a free port, ready. */
export async function startWaybill(
  bench: Bench,
  { databaseUrl, env = {}, nodeFlags = [] }: WaybillOptions,
): Promise<Server> {
  const server = await start(bench, [...nodeFlags, 'dist/server.js'], { ...production(databaseUrl), ...env });
  await untilItAnswers(server, '/ready');
  return server;
}

export type BareKind = 'node-http' | 'express' | 'fastify';

/** Answers each path with its object, made text anew for every request. */
export async function startBare(bench: Bench, kind: BareKind, answersByPath: Record<string, unknown>): Promise<Server> {
  const file = join(bench.folder, `${kind}.json`);
  await writeFile(file, JSON.stringify(answersByPath));
  const server = await start(bench, ['--import', 'tsx', `bench/yardsticks/${kind}.ts`], { ANSWERS: file });
  const [path = ''] = Object.keys(answersByPath);
  await untilItAnswers(server, path);
  return server;
}

/** Our HTTP server with these steps of our pipeline, before answers as those of the bare ones. */
export async function startSteps(
  bench: Bench,
  steps: string[],
  { databaseUrl, answers }: { databaseUrl: string; answers: Record<string, unknown> },
): Promise<Server> {
  const file = join(bench.folder, 'steps.json');
  await writeFile(file, JSON.stringify(answers));
  const env = { ...production(databaseUrl), STEPS: steps.join(), ANSWERS: file };
  const server = await start(bench, ['--import', 'tsx', 'bench/yardsticks/middleware.ts'], env);
  const [path = ''] = Object.keys(answers);
  await untilItAnswers(server, path);
  return server;
}

async function untilItAnswers({ port, isOver }: Server, path: string): Promise<void> {
  await until(`${path} is answered`, async () => isOver() || (await answers(`http://127.0.0.1:${port}${path}`)));
  if (isOver()) throw new Error('a server ended before it answered');
}

/** Its output goes to a file, as it would on a real machine: nobody here has to read it. */
async function start(bench: Bench, args: string[], env: Record<string, string>): Promise<Server> {
  const { PATH = '', HOME = '' } = process.env;
  const port = await freePort();
  const log = join(bench.folder, `server-${port}.log`);
  const output = openSync(log, 'a');
  const child = spawn(process.execPath, args, {
    cwd: root,
    env: { PATH, HOME, PORT: String(port), ...env },
    stdio: ['ignore', output, output],
  });
  closeSync(output);
  const isOver = () => child.exitCode !== null || child.signalCode !== null;
  const stop = async () => {
    if (isOver()) return child.exitCode;
    child.kill('SIGTERM');
    await once(child, 'exit');
    return child.exitCode;
  };
  bench.onEnd(stop);
  child.once('exit', (code) => {
    if (code !== 0) void readFile(log, 'utf8').then((text) => bench.say(text.slice(-4000)));
  });
  return { port, pid: child.pid ?? -1, stop, emptyLog: () => truncate(log), isOver };
}

/** Of a million bytes; NaN where there is no /proc. */
export async function residentMegabytesOf(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return (Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? Number.NaN) * 1024) / 1e6;
}
