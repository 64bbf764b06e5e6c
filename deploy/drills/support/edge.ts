// What nginx and HAProxy have in common for a drill: our files with the ports and paths of this run, started as an ordinary account.
import { chown, mkdir, readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Drill } from './drill.ts';
import { HOST, type Certificate } from './certificate.ts';
import { ordinary, until, type Running } from './processes.ts';
import { root } from './world.ts';

/** `edit` changes what is shipped: that is how a fault is planted. */
export type EdgeOptions = { certificate: Certificate; replicas: [number, number]; edit?: Edit };
export type Edit = (text: string) => string;

export type Edge = {
  httpPort: number;
  httpsPort: number;
  /** As clients know it: `HOST` stands in the certificate. */
  url: string;
  ca: string;
  servername: string;
  running: Running;
  accessLog: () => Promise<Record<string, unknown>[]>;
  /** Until requests are sent to this replica, or again. */
  untilUsed?: (port: number) => Promise<void>;
  /** Requests that a replica had taken and did not answer: what a retry then hides from the client. */
  lost?: () => Promise<string[]>;
};

export const edgeOf = (
  { ca }: Certificate,
  httpPort: number,
  httpsPort: number,
): Pick<Edge, 'httpPort' | 'httpsPort' | 'url' | 'ca' | 'servername'> => ({
  httpPort,
  httpsPort,
  url: `https://127.0.0.1:${httpsPort}`,
  ca,
  servername: HOST,
});

/** Each replacement has to find something: a file that changed would silently be run as it is shipped. */
export function adapt(text: string, replacements: [RegExp, string][]): string {
  return replacements.reduce((changed, [pattern, by]) => {
    if (!new RegExp(pattern).test(changed)) throw new Error(`nothing matches ${String(pattern)}`);
    return changed.replaceAll(pattern, by);
  }, text);
}

export const shipped = (path: string): Promise<string> => readFile(join(root, 'deploy', path), 'utf8');

/** @param errorLog where it complains, when not on stderr */
export async function untilUp({ child, log }: Running, isUp: () => Promise<boolean>, errorLog?: string): Promise<void> {
  const isOver = () => child.exitCode !== null || child.signalCode !== null;
  await until('it answers or ends', async () => isOver() || (await isUp()));
  if (!isOver()) return;
  const said = errorLog === undefined ? log : [await readFile(errorLog, 'utf8')];
  throw new Error(`${child.spawnfile} ended with ${child.exitCode ?? child.signalCode}:\n${said.join('\n')}`);
}

let made = 0;

/** One for each start, so that a drill may have several. */
export async function folderFor({ folder }: Pick<Drill, 'folder'>, name: string): Promise<string> {
  const own = join(folder, `${name}-${++made}`);
  await mkdir(own);
  return own;
}

export async function giveToOrdinary(folder: string): Promise<void> {
  const account = ordinary();
  if (account === undefined) return;
  const paths = [folder, ...(await readdir(folder, { recursive: true })).map((name) => join(folder, name))];
  await Promise.all(paths.map((path) => chown(path, account.uid, account.gid)));
}

export const jsonLines = (lines: string[]): Record<string, unknown>[] =>
  lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as Record<string, unknown>);
