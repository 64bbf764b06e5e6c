// A server that can be asked about its inside by a signal: for that it has a handler more than in production, and nothing else.
import { appendFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { until } from '../../deploy/drills/support/processes.ts';
import type { Bench } from './bench.ts';
import { startWaybill, type Server } from './servers.ts';

export type Probed = Server & {
  /** @returns what its answer was, as text */
  ask: () => Promise<string>;
};

type Probe = {
  databaseUrl: string;
  /** The body of an async function: what it returns is the answer. Runs in the server. */
  answer: string;
  /** Runs there once, before the program. */
  before?: string;
  nodeFlags?: string[];
};

export async function startProbed(
  bench: Bench,
  { databaseUrl, answer, before = '', nodeFlags = [] }: Probe,
): Promise<Probed> {
  const told = join(bench.folder, 'told');
  await appendFile(told, '');
  const program = `
    import { appendFileSync } from 'node:fs';
    ${before}
    const answer = async () => { ${answer} };
    process.on('SIGUSR2', async () => appendFileSync(${JSON.stringify(told)}, (await answer()) + '\\n'));`;
  const preload = `--import=data:text/javascript,${encodeURIComponent(program)}`;
  const server = await startWaybill(bench, { databaseUrl, nodeFlags: [...nodeFlags, preload] });
  const linesOf = async () => (await readFile(told, 'utf8')).split('\n').slice(0, -1);
  const ask = async () => {
    const before = (await linesOf()).length;
    process.kill(server.pid, 'SIGUSR2');
    await until('the server has told', async () => (await linesOf()).length > before);
    return (await linesOf()).at(-1) ?? '';
  };
  return { ...server, ask };
}
