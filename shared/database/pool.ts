// The pool of connections: every time-out set, every error heard.
import pg from 'pg';
import type { Logger } from '../logging/logger.ts';

export type PoolOptions = {
  connectionString: string;
  max: number;
  statementTimeoutMs: number;
  applicationName: string;
  /** Of every query, for whoever gives none a deadline of its own (shared/database/database.ts does). */
  queryTimeoutMs?: number;
  /** A pooler between takes no start-up parameters: time-outs belong to the role then (requirements.ts). */
  isPooled?: boolean;
};

/** Longer than PostgreSQL's deadlock_timeout (1 s): else a deadlock ends as 55P03, which is not tried again. */
export const LOCK_TIMEOUT_MS = 1200;
export const IDLE_IN_TRANSACTION_MS = 4000;

/** Client time-outs are longer than the server's, so that the server's clearer error usually comes first. */
export function createPool(
  { connectionString, max, statementTimeoutMs, applicationName, queryTimeoutMs, isPooled = false }: PoolOptions,
  logger: Logger,
): pg.Pool {
  const pool = new pg.Pool({
    connectionString,
    max,
    application_name: applicationName,
    connectionTimeoutMillis: 1500,
    idleTimeoutMillis: 30_000,
    ...(queryTimeoutMs !== undefined && { query_timeout: queryTimeoutMs }),
    ...(!isPooled && {
      statement_timeout: statementTimeoutMs,
      lock_timeout: LOCK_TIMEOUT_MS,
      idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS,
    }),
    keepAlive: true,
  });
  hearErrors(pool, logger);
  return pool;
}

/** An idle client that dies emits on the pool, a checked-out one on itself; unheard, either ends the process. */
export function hearErrors(pool: pg.Pool, logger: Logger): void {
  const hear = (error: Error) => logger.warn({ err: error }, 'database connection lost');
  pool.on('error', hear);
  pool.on('connect', (client) => client.on('error', hear));
}
