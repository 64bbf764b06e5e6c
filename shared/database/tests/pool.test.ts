// Connections die: idle ones, and ones in the middle of something. The process does not.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readableLog, startRoomDatabase, until, type RoomDatabase } from '../../../tests/support/room-database.ts';

let room: RoomDatabase;
beforeAll(async () => {
  room = await startRoomDatabase();
});
afterAll(() => room.close());

const terminate = () =>
  room.sql(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'room' AND datname = current_database()`,
  );
const pidOf = async (connection: { query: (text: string) => Promise<{ rows: { pid: number }[] }> }) =>
  (await connection.query('SELECT pg_backend_pid() AS pid')).rows[0]?.pid;

describe('a connection is terminated', () => {
  test('while idle: it is heard, and the next statement gets a new one', async () => {
    const { logger, lines } = readableLog();
    const { pool, database } = room.open({ logger, max: 1 });
    const before = await pidOf(pool);
    await terminate();
    await until(() => lines.some(({ msg }) => msg === 'database connection lost'));
    expect((await database.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
    expect(await pidOf(pool)).not.toBe(before);
  });

  test('while checked out and silent: it is heard, and thrown away', async () => {
    const { logger, lines } = readableLog();
    const { pool, database } = room.open({ logger, max: 1 });
    const lost = database.transaction(async (tx) => {
      await tx.query('SELECT 1');
      await terminate();
      await until(() => lines.some(({ msg }) => msg === 'database connection lost'));
      await tx.query('SELECT 1');
    });
    await expect(lost).rejects.toMatchObject({ code: 'database_unavailable' });
    await until(() => pool.totalCount === 0);
    expect((await database.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
  });

  test('while a statement runs', async () => {
    const { logger } = readableLog();
    const { database } = room.open({ logger, max: 1 });
    const lost = database.query('SELECT pg_sleep(2)');
    lost.catch(() => undefined);
    await until(
      async () =>
        (
          await room.sql(
            `SELECT pid FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%' AND state = 'active' AND pid <> pg_backend_pid()`,
          )
        ).length > 0,
    );
    await terminate();
    await expect(lost).rejects.toMatchObject({ code: 'database_unavailable' });
    expect((await database.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
  });

  test('just before COMMIT: the outcome is unknown, and it is told as such', async () => {
    const { logger } = readableLog();
    const { database } = room.open({ logger, max: 1 });
    await expect(database.transaction(async () => void (await terminate()))).rejects.toMatchObject({
      code: 'database_unavailable',
    });
  });
});

test('every time-out is set on the server’s side', async () => {
  const { database } = room.open({ statementTimeoutMs: 2500 });
  const { rows } = await database.query(
    `SELECT current_setting('statement_timeout') AS statement, current_setting('lock_timeout') AS lock, current_setting('idle_in_transaction_session_timeout') AS idle, current_setting('application_name') AS name`,
  );
  expect(rows).toEqual([{ statement: '2500ms', lock: '1200ms', idle: '4s', name: 'room' }]);
});

test('a server that is not there is said to be unavailable', async () => {
  const { pool, database } = room.open();
  pool.options.port = 1;
  pool.options.host = '127.0.0.1';
  Object.assign(pool.options, { connectionString: 'postgresql://waybill@127.0.0.1:1/none' });
  await expect(database.query('SELECT 1')).rejects.toMatchObject({
    code: 'database_unavailable',
    cause: { code: 'ECONNREFUSED' },
  });
});
