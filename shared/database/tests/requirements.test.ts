// What a database is asked for before orders are taken on it, and what is told when it is not so.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { silent, startRoomDatabase, type RoomDatabase } from '../../../tests/support/room-database.ts';
import { createDatabase } from '../database.ts';
import { createPool } from '../pool.ts';
import { connectionsNeeded, requireDurableCommits, requireTimeouts, shortageOfConnections } from '../requirements.ts';

let room: RoomDatabase;
beforeAll(async () => (room = await startRoomDatabase()));
afterAll(() => room.close());

/** A pool as it is behind PgBouncer: nothing but the name at the start of a connection. */
async function pooled<T>(work: (database: ReturnType<typeof createDatabase>) => Promise<T>, options = ''): Promise<T> {
  const url = new URL(room.url);
  if (options !== '') url.searchParams.set('options', options);
  const pool = createPool(
    { connectionString: url.href, max: 1, statementTimeoutMs: 2500, applicationName: 'pooled', isPooled: true },
    silent,
  );
  return work(createDatabase(pool)).finally(() => void pool.end());
}

test('asynchronous commits are refused', async () => {
  await pooled(requireDurableCommits);
  await expect(pooled(requireDurableCommits, '-c synchronous_commit=off')).rejects.toThrow('synchronous_commit');
});

describe('behind a pooler', () => {
  const require = (options?: string) => pooled((database) => requireTimeouts(database, 2500), options);

  test('a role without time-outs is refused, with the SQL that mends it', async () => {
    await expect(require()).rejects.toThrow(
      `ALTER ROLE "waybill" SET statement_timeout = '2500ms'; ALTER ROLE "waybill" SET lock_timeout = '1200ms'; ALTER ROLE "waybill" SET idle_in_transaction_session_timeout = '4000ms';`,
    );
  });

  test('only what is missing is told', async () => {
    const some = '-c statement_timeout=2500 -c idle_in_transaction_session_timeout=4000';
    await expect(require(some)).rejects.toThrow(
      /time-outs belong to the role: ALTER ROLE "waybill" SET lock_timeout[^;]*;$/,
    );
    await require(`${some} -c lock_timeout=1200`);
  });

  test('without one the time-outs come with the connection', async () => {
    await requireTimeouts(room.open().database, 2500);
  });
});

describe('connections', () => {
  const processes = { workers: 2, replicas: 3, poolMax: 20, besides: 4 };

  test('are workers × replicas × (pool + what is besides)', () => expect(connectionsNeeded(processes)).toBe(144));

  test('that fit are well; one more than the server has for us is told with the sum', async () => {
    const [row] = await room.sql<{ available: number }>(
      `SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
         - current_setting('reserved_connections')::int AS available`,
    );
    const available = row?.available ?? 0;
    const shortage = (poolMax: number) =>
      shortageOfConnections(room.open().database, { workers: 1, replicas: 1, poolMax, besides: 4 });
    expect(await shortage(available - 4)).toBeNull();
    expect(await shortage(available - 3)).toContain(
      `the server has ${available} connections for us, and 1 replicas × 1 workers × (${available - 3} + 4) = ${available + 1}`,
    );
  });
});
