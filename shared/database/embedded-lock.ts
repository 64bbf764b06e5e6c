/** Tells from postmaster.pid which PostgreSQL, if any, runs on a data folder. */
import { readFile, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** `status`: starting, ready, stopping; empty in the first milliseconds, as is `socketDir`. */
export type Postmaster = { pid: number; socketDir: string; status: string };

/** Two processes cannot share it, and no port is opened: the number only names the socket. */
export const socketName = '.s.PGSQL.5432';

const pollMs = 20;
// A parent killed a moment ago has left a server that looks healthy until its watchdog speaks: milliseconds, more on a busy machine.
const doubtMs = 2_000;
const stoppingMs = 15_000;

/** Waits for a server that is on its way out, and refuses to start beside one that stays. */
export async function untilFree(dataPath: string): Promise<void> {
  const since = Date.now();
  for (;;) {
    const other = await findPostmaster(dataPath);
    if (!other) return forgetReusedPid(dataPath);
    if (Date.now() - since > (other.status === 'stopping' ? stoppingMs : doubtMs)) throw occupied(other, dataPath);
    await sleep(pollMs);
  }
}

/** The file may be a leftover and its pid another program's by now: only an answer on the socket counts. */
export async function findPostmaster(dataPath: string): Promise<Postmaster | null> {
  const named = await readPostmaster(dataPath);
  if (!named || !isAlive(named.pid)) return null;
  if (named.socketDir === '') return named;
  return (await answers(join(named.socketDir, socketName))) ? named : null;
}

export async function readPostmaster(dataPath: string): Promise<Postmaster | null> {
  const lines = (await readIfAny(lockPath(dataPath))).split('\n');
  const pid = Number(lines[0]);
  return pid > 0 ? { pid, socketDir: lines[4] ?? '', status: lines[7]?.trim() ?? '' } : null;
}

export function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return hasCode(error, 'EPERM');
  }
}

export function hasCode(error: unknown, ...codes: string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code));
}

/**
 * PostgreSQL believes a leftover pid that is some program's again, and would refuse to start for ever. A pid that cannot exist takes its place;
 * the file stays, because PostgreSQL also reads from it which shared memory orphaned backends may still use.
 */
async function forgetReusedPid(dataPath: string): Promise<void> {
  const leftover = await readPostmaster(dataPath);
  if (!leftover || !isAlive(leftover.pid)) return;
  const [, ...rest] = (await readIfAny(lockPath(dataPath))).split('\n');
  await writeFile(lockPath(dataPath), ['2147483647', ...rest].join('\n'));
}

function occupied({ pid }: Postmaster, dataPath: string): Error {
  return new Error(
    `A PostgreSQL (pid ${pid}) already runs on ${dataPath}. Stop the process that started it, choose another data folder, ` +
      `or set DATABASE_URL. If pid ${pid} is not PostgreSQL, delete ${lockPath(dataPath)}.`,
  );
}

async function answers(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(socketPath);
    const settle = (isAnswered: boolean) => {
      socket.destroy();
      resolve(isAnswered);
    };
    socket.once('connect', () => settle(true));
    socket.once('error', (error) => settle(!hasCode(error, 'ECONNREFUSED', 'ENOENT')));
  });
}

async function readIfAny(path: string): Promise<string> {
  return readFile(path, 'utf8').catch((error: unknown) => {
    if (hasCode(error, 'ENOENT')) return '';
    throw error;
  });
}

function lockPath(dataPath: string): string {
  return join(dataPath, 'postmaster.pid');
}
