// A database for the tests of one shared room: connections as the app opens them, locks that are held, and time that passes.
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { createDatabase, type Database } from '../../shared/database/database.ts';
import { createPool } from '../../shared/database/pool.ts';
import { createLogger, type Logger } from '../../shared/logging/logger.ts';
import { createTestDatabase } from './app.ts';

export const silent: Logger = createLogger({ level: 'silent', isPretty: false });

type Opening = { max?: number; statementTimeoutMs?: number; deadlineMs?: number; prepared?: boolean; logger?: Logger };
export type Opened = { pool: pg.Pool; database: Database };
export type RoomDatabase = Awaited<ReturnType<typeof startRoomDatabase>>;

export async function startRoomDatabase() {
  const { urlFor, drop } = await createTestDatabase();
  const pools: pg.Pool[] = [];
  const superuser = new pg.Pool({ connectionString: urlFor('postgres'), max: 3 });
  superuser.on('error', () => undefined);
  const url = urlFor('waybill');

  const sql = async <Row extends pg.QueryResultRow = Record<string, unknown>>(
    text: string,
    values: unknown[] = [],
  ): Promise<Row[]> => (await superuser.query<Row>(text, values)).rows;

  return {
    url,
    sql,
    /** Each is a process of its own, as far as PostgreSQL can tell. */
    open: ({
      max = 5,
      statementTimeoutMs = 2500,
      deadlineMs = 3200,
      prepared = true,
      logger = silent,
    }: Opening = {}): Opened => {
      const pool = createPool({ connectionString: url, max, statementTimeoutMs, applicationName: 'room' }, logger);
      pools.push(pool);
      return { pool, database: createDatabase(pool, { deadlineMs, prepared }) };
    },
    /** Holds what the statement locks until it is let go. */
    hold: async (statement: string): Promise<() => Promise<void>> => {
      const client = await superuser.connect();
      await client.query('BEGIN');
      await client.query(statement);
      return async () => {
        await client.query('COMMIT');
        client.release();
      };
    },
    untilWaiting: (count: number) =>
      until(async () => {
        const [row] = await sql<{ count: number }>(
          `SELECT count(*)::int AS count FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
        );
        return (row?.count ?? 0) >= count;
      }),
    close: async (): Promise<void> => {
      await Promise.all([...pools, superuser].map((pool) => pool.end()));
      await drop();
    },
  };
}

export async function until(isThere: () => Promise<boolean> | boolean, timeoutMs = 10_000): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await isThere())) {
    if (Date.now() > deadline) throw new Error('it never came');
    await sleep(10);
  }
}

/** Something to wait for, opened from outside. */
export function gate(): { opened: Promise<void>; open: () => void } {
  let open = () => undefined as void;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open: () => open() };
}

/** A log whose lines can be read. */
export function readableLog(level = 'debug'): { logger: Logger; lines: Record<string, unknown>[] } {
  const lines: Record<string, unknown>[] = [];
  const logger = createLogger(
    { level, isPretty: false },
    { write: (text: string) => void lines.push(...text.trimEnd().split('\n').map(parsedOnce)) },
  );
  return { logger, lines };
}

/** A name that comes twice is lost to most readers of JSON: which of the two they keep is theirs to choose. */
function parsedOnce(line: string): Record<string, unknown> {
  const parsed = JSON.parse(line) as Record<string, unknown>;
  if (JSON.stringify(parsed) !== line) throw new Error(`a name comes twice: ${line}`);
  return parsed;
}
