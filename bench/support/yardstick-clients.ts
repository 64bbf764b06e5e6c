// Who sends the yardstick's statements: pgbench where it is installed, and clients of ours, one by one over named prepared statements.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { pathOf, run } from '../../deploy/drills/support/drill.ts';
import { newId } from '../../shared/domain/ids.ts';
import type { Bench } from './bench.ts';
import { Tally, type Load } from './load.ts';
import { chance } from './statistics.ts';
import { drawn, preparedOf, scriptOf, type Values } from './statements.ts';

export type Yardstick = { databaseUrl: string; statements: string[]; values: Values; isHot: boolean; clients: number };

/** Debian's /usr/bin/pgbench is a wrapper, which may be there without the program. */
export const hasPgbench = (): boolean => pathOf('pgbench') !== null && run('pgbench', ['--version']).status === 0;

/** Its own file of latencies is read; its seconds are whole ones. */
export function withPgbench(bench: Bench, { databaseUrl, statements, values, isHot, clients }: Yardstick) {
  return async (ms: number): Promise<Load> => {
    const folder = await mkdtemp(join(bench.folder, 'pgbench-'));
    await writeFile(join(folder, 'order.sql'), scriptOf(statements, isHot));
    const { hostname, port, username, pathname } = new URL(databaseUrl);
    const seconds = Math.max(1, Math.round(ms / 1000));
    const threads = Math.min(clients, availableParallelism());
    const how = ['--no-vacuum', '--protocol=prepared', `--client=${clients}`, `--jobs=${threads}`, `--time=${seconds}`];
    const where = ['--host', decodeURIComponent(hostname), '--port', port, '--username', username];
    const variables = Object.entries(values).map(([name, value]) => `--define=${name}=${value}`);
    const log = ['--log', `--log-prefix=${join(folder, 'latencies')}`];
    await finish('pgbench', [
      ...how,
      ...where,
      ...variables,
      ...log,
      '--file',
      join(folder, 'order.sql'),
      pathname.slice(1),
    ]);
    const load = await readLatencies(folder, seconds * 1000);
    await rm(folder, { recursive: true });
    return load;
  };
}

async function finish(program: string, args: string[]): Promise<void> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (piece: Buffer) => (said += piece.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`${program} ended with ${code}: ${said}`);
}

/** A line for each transaction; the third field is its time in microseconds. */
async function readLatencies(folder: string, ms: number): Promise<Load> {
  const tally = new Tally();
  for (const name of (await readdir(folder)).filter((one) => one.startsWith('latencies')))
    for (const line of (await readFile(join(folder, name), 'utf8')).split('\n'))
      if (line !== '') tally.succeed(Number(line.split(' ', 3)[2]) / 1000);
  return tally.toLoad(ms);
}

/** Connected for one run, as pgbench is: 128 connections that only wait would be in the others' way. */
export function withOurClients(
  bench: Bench,
  { databaseUrl, statements, values, isHot, clients }: Yardstick,
  { isPipelined = false } = {},
) {
  const random = chance(bench.seed);
  const prepared = statements.map((text, i) => ({ name: `statement_${i}`, ...preparedOf(text) }));
  const placeAtOnce = async (client: pg.Client) => {
    const known: Values = { ...values, ...drawn(isHot, random), id: newId() };
    const sent = prepared.map(({ name, text, names }) =>
      client.query({ name, text, values: names.map((one) => known[one]) }),
    );
    await Promise.all(sent);
  };
  const place = async (client: pg.Client) => {
    if (isPipelined) return placeAtOnce(client);
    let known = { ...values, ...drawn(isHot, random) };
    for (const { name, text, names } of prepared) {
      const { rows } = await client.query<Values>({ name, text, values: names.map((one) => known[one]) });
      known = { ...known, ...rows[0] };
    }
  };
  return async (ms: number): Promise<Load> => {
    const connections = Array.from(
      { length: clients },
      () => new pg.Client({ connectionString: databaseUrl, pipeline: isPipelined }),
    );
    await Promise.all(connections.map((one) => one.connect()));
    const tally = new Tally();
    const begin = performance.now();
    const work = async (client: pg.Client) => {
      while (performance.now() < begin + ms) {
        const from = performance.now();
        await place(client);
        tally.succeed(performance.now() - from);
      }
    };
    await Promise.all(connections.map(work));
    const load = tally.toLoad(performance.now() - begin);
    await Promise.all(connections.map((one) => one.end()));
    return load;
  };
}
