// What a database must be like before orders are taken on it: told at the start, not found out under load.
import type { Connection } from './database.ts';
import { LOCK_TIMEOUT_MS, IDLE_IN_TRANSACTION_MS } from './pool.ts';

/** With asynchronous commit an order answered 201 could be lost in a crash. */
export async function requireDurableCommits(database: Connection): Promise<void> {
  const { rows } = await database.query<{ value: string }>(`SELECT current_setting('synchronous_commit') AS value`);
  if (rows[0]?.value === 'off') throw new Error('synchronous_commit is off: acknowledged orders could be lost');
}

/** PgBouncer takes no time-outs from us: without any, what a client gave up on holds its locks for as long as it likes. */
export async function requireTimeouts(database: Connection, statementTimeoutMs: number): Promise<void> {
  const wanted = {
    statement_timeout: statementTimeoutMs,
    lock_timeout: LOCK_TIMEOUT_MS,
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS,
  };
  const { rows } = await database.query<{ role: string; name: string }>(
    `SELECT current_user AS role, name FROM pg_settings WHERE name = ANY ($1) AND setting = '0'`,
    [Object.keys(wanted)],
  );
  if (rows.length === 0) return;
  const statements = Object.entries(wanted)
    .filter(([name]) => rows.some((row) => row.name === name))
    .map(([name, ms]) => `ALTER ROLE "${rows[0]?.role}" SET ${name} = '${ms}ms';`);
  throw new Error(`behind a pooler time-outs belong to the role: ${statements.join(' ')}`);
}

/** `besides`: what a process holds that is no request's: for jobs, and to hear what others change. */
export type Processes = { workers: number; replicas: number; poolMax: number; besides: number };

/** What all processes hold when each has as many connections as it may. */
export const connectionsNeeded = ({ workers, replicas, poolMax, besides }: Processes): number =>
  workers * replicas * (poolMax + besides);

/** @returns what is wrong, or null when all of them fit what the server leaves to ordinary roles */
export async function shortageOfConnections(database: Connection, processes: Processes): Promise<string | null> {
  const { rows } = await database.query<{ available: number }>(
    `SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
       - coalesce(current_setting('reserved_connections', true), '0')::int AS available`,
  );
  const available = rows[0]?.available ?? 0;
  const needed = connectionsNeeded(processes);
  if (needed <= available) return null;
  const { workers, replicas, poolMax, besides } = processes;
  return `the server has ${available} connections for us, and ${replicas} replicas × ${workers} workers × (${poolMax} + ${besides}) = ${needed} could be needed: lower DATABASE_POOL_MAX, raise max_connections, or put PgBouncer between`;
}
