// Real programs on loopback: started as an ordinary account, waited for by asking, stopped by their pid.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { userInfo } from 'node:os';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathOf } from './drill.ts';
import { keepLog } from './logs.ts';

const START_MS = 60_000;
const POLL_MS = 50;
/** Ports from 32768 on are handed out for outgoing connections. */
const PORTS = { from: 20_000, to: 32_000 };

export type Running = {
  child: ChildProcess;
  pid: number;
  log: string[];
  /** SIGTERM unless another is named. @returns the exit code, null when a signal ended it */
  stop: (signal?: NodeJS.Signals) => Promise<number | null>;
};

type Options = { cwd?: string; env?: Record<string, string>; asRoot?: boolean };

/** `nobody` when we are root: most servers refuse root, and nothing here needs it. */
export const ordinary = (): { uid: number; gid: number } | undefined =>
  userInfo().uid === 0 ? { uid: 65_534, gid: 65_534 } : undefined;

export function start(program: string, args: string[], { cwd, env = {}, asRoot = false }: Options = {}): Running {
  const { PATH = '', HOME = '' } = process.env;
  const child = spawn(pathOf(program) ?? program, args, {
    ...(cwd !== undefined && { cwd }),
    ...(!asRoot && ordinary()),
    env: { PATH, HOME, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const log: string[] = [];
  keepLog(`${program} ${child.pid}`, log);
  for (const stream of [child.stdout, child.stderr])
    createInterface({ input: stream }).on('line', (line) => log.push(line));
  child.once('error', (error) => log.push(String(error)));
  const stop = async (signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> => {
    if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
    child.kill(signal);
    const [code] = (await once(child, 'exit')) as [number | null];
    return code;
  };
  return { child, pid: child.pid ?? -1, log, stop };
}

/** Runs to the end, while this process goes on. @returns its status and all it said */
export async function finish(
  program: string,
  args: string[],
  options: Options,
): Promise<{ status: number | null; output: string }> {
  const { child, log } = start(program, args, options);
  const [status] = (await once(child, 'close')) as [number | null];
  return { status, output: log.join('\n') };
}

/** Asks until the answer is true; told what was waited for when it never is. */
export async function until(what: string, ask: () => Promise<boolean> | boolean, timeoutMs = START_MS): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  let last: unknown = 'no';
  for (;;) {
    const isSo = await Promise.resolve()
      .then(ask)
      .catch((error: unknown) => void (last = error));
    if (isSo === true) return;
    if (Date.now() > deadline) throw new Error(`waited ${timeoutMs} ms until ${what}: ${String(last)}`);
    await sleep(POLL_MS);
  }
}

export const answers = async (url: string, status = 200): Promise<boolean> =>
  (await fetch(url, { signal: AbortSignal.timeout(2000) })).status === status;

/** Free on 127.0.0.1 now; nobody is handed the same one twice in a run. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = PORTS.from + Math.floor(Math.random() * (PORTS.to - PORTS.from));
    if (!given.has(port) && (await isFree(port))) {
      given.add(port);
      return port;
    }
  }
}

const given = new Set<number>();

async function isFree(port: number): Promise<boolean> {
  const probe = createServer();
  const isOpen = await new Promise<boolean>((resolve) => {
    probe.once('error', () => resolve(false)).listen(port, '127.0.0.1', () => resolve(true));
  });
  if (isOpen) await new Promise((resolve) => probe.close(resolve));
  return isOpen;
}
