// A race told in order: hold what two want, let them come, see both wait, then let go.
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import type { TestApp } from './app.ts';

export type Hold = { letGo: () => Promise<void> };

/** Holds whatever the statement locks until it is let go. */
export async function hold({ databaseUrlFor }: TestApp, statement: string, values: unknown[] = []): Promise<Hold> {
  const client = new Client({ connectionString: databaseUrlFor('postgres') });
  await client.connect();
  await client.query('BEGIN');
  await client.query(statement, values);
  return {
    letGo: async () => {
      await client.query('COMMIT');
      await client.end();
    },
  };
}

/** Until so many statements of this database wait for a lock. */
export async function untilWaiting({ sql }: TestApp, count: number, timeoutMs = 8000): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  for (let waiting = 0; waiting < count;) {
    if (Date.now() > deadline) throw new Error(`${waiting} wait, not ${count}`);
    await sleep(10);
    const [row] = await sql<{ waiting: number }>(
      `SELECT count(*)::int AS waiting FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
    );
    waiting = row?.waiting ?? 0;
  }
}
