// Transactions, time-outs and a crowd at the door: what a service may rely on when it speaks to PostgreSQL.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  gate,
  startRoomDatabase,
  until,
  type Opened,
  type RoomDatabase,
} from '../../../tests/support/room-database.ts';
import { notFound } from '../../errors/app-error.ts';
import { withRequestContext } from '../../logging/request-context.ts';
import type { Transaction } from '../database.ts';

let room: RoomDatabase;
let opened: Opened;

beforeAll(async () => {
  room = await startRoomDatabase();
  await room.sql(
    'CREATE SCHEMA room; CREATE TABLE room.parcels (id int PRIMARY KEY, label text, CONSTRAINT same_label UNIQUE (label) DEFERRABLE INITIALLY DEFERRED); GRANT ALL ON SCHEMA room TO waybill; GRANT ALL ON room.parcels TO waybill',
  );
});
afterAll(() => room.close());
beforeEach(async () => {
  await room.sql('TRUNCATE room.parcels');
  opened = room.open();
});

const insert = (tx: Transaction, id: number, label = `to ${id}`) =>
  tx.query('INSERT INTO room.parcels (id, label) VALUES ($1, $2)', [id, label]);
const count = async () => (await room.sql('SELECT id FROM room.parcels')).length;

describe('a transaction', () => {
  test('commits what was done, and answers what was answered', async () => {
    const result = await opened.database.transaction(async (tx) => {
      expect((await insert(tx, 1)).rowCount).toBe(1);
      expect(await count()).toBe(0);
      return 'sent';
    });
    expect([result, await count()]).toEqual(['sent', 1]);
  });

  test('rolls back when its work throws, passes the error on as it is, and its connection is good for the next', async () => {
    const refusal = notFound('parcel_not_found', 'There is no such parcel.');
    const narrow = room.open({ max: 1 });
    const lost = narrow.database.transaction(async (tx) => {
      await insert(tx, 1);
      throw refusal;
    });
    await expect(lost).rejects.toBe(refusal);
    expect(await count()).toBe(0);
    expect((await narrow.database.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
    expect([narrow.pool.totalCount, narrow.pool.idleCount]).toEqual([1, 1]);
  });

  test('calls back only after its commit, and never after a rollback or a commit that failed', async () => {
    const told: string[] = [];
    await opened.database.transaction(async (tx) => {
      tx.afterCommit(() => told.push('first'));
      await insert(tx, 1);
      tx.afterCommit(() => told.push('second'));
      expect(told).toEqual([]);
    });
    expect(told).toEqual(['first', 'second']);

    const rolledBack = opened.database.transaction(async (tx) => {
      tx.afterCommit(() => told.push('rolled back'));
      throw new Error('no');
    });
    await expect(rolledBack).rejects.toThrow('no');
    const refusedAtCommit = opened.database.transaction(async (tx) => {
      tx.afterCommit(() => told.push('refused at commit'));
      await insert(tx, 2, 'to 1');
    });
    await expect(refusedAtCommit).rejects.toMatchObject({ code: '23505', constraint: 'same_label' });
    expect([told, await count()]).toEqual([['first', 'second'], 1]);
  });

  test('that another module joins is the same one', async () => {
    await opened.database.transaction(async (tx) => expect(opened.database.join(tx)).toBe(tx));
  });

  test('tells the server which request it belongs to', async () => {
    const seen = await withRequestContext({ requestId: 'request-1' }, () =>
      opened.database.transaction(() =>
        room.sql<{ query: string }>(
          `SELECT query FROM pg_stat_activity WHERE state = 'idle in transaction' AND datname = current_database()`,
        ),
      ),
    );
    expect(seen).toEqual([{ query: 'BEGIN /* request_id=request-1 */' }]);
  });
});

describe('a deadlock', () => {
  const fails = (code: string, times: number) => {
    let attempts = 0;
    const work = opened.database.transaction(async (tx) => {
      attempts++;
      await insert(tx, attempts);
      if (attempts <= times) await tx.query(`DO $$ BEGIN RAISE EXCEPTION 'planted' USING ERRCODE = '${code}'; END $$`);
      return attempts;
    });
    return work.then((result) => ({ result, attempts }), (error: unknown) => ({ error, attempts })); // prettier-ignore
  };

  test.each(['40P01', '40001'])('%s is tried again, and nothing of the attempts before is left', async (code) => {
    expect(await fails(code, 2)).toEqual({ result: 3, attempts: 3 });
    expect(await room.sql('SELECT id FROM room.parcels')).toEqual([{ id: 3 }]);
  });

  test.each(['40P01', '40001'])('%s three times is enough: the caller is asked to come again', async (code) => {
    expect(await fails(code, 3)).toMatchObject({
      error: { code: 'database_unavailable', retryAfterSeconds: 1 },
      attempts: 3,
    });
    expect(await count()).toBe(0);
  });

  test.each(['23505', '22P02', 'P0001'])('%s is not tried again', async (code) => {
    expect(await fails(code, 1)).toMatchObject({ error: { code }, attempts: 1 });
  });

  test('between two real transactions: both get through', async () => {
    await room.sql('INSERT INTO room.parcels (id, label) VALUES (1, $1), (2, $2)', ['one', 'two']);
    const met = [gate(), gate()];
    let attempts = 0;
    const lockInTurn = (ids: [number, number], mine: number) =>
      opened.database.transaction(async (tx) => {
        attempts++;
        await tx.query('SELECT id FROM room.parcels WHERE id = $1 FOR UPDATE', [ids[0]]);
        met[mine]?.open();
        await met[1 - mine]?.opened;
        await tx.query('SELECT id FROM room.parcels WHERE id = $1 FOR UPDATE', [ids[1]]);
      });
    await Promise.all([lockInTurn([1, 2], 0), lockInTurn([2, 1], 1)]);
    expect(attempts).toBeGreaterThanOrEqual(3);
  });
});

describe('time runs out', () => {
  test('for a statement: the caller hears in time, and the connection is not used again', async () => {
    const impatient = room.open({ deadlineMs: 200, statementTimeoutMs: 60_000 });
    await expect(impatient.database.query('SELECT pg_sleep(60)')).rejects.toMatchObject({
      code: 'database_unavailable',
      retryAfterSeconds: 1,
    });
    await until(() => impatient.pool.totalCount === 0);
    expect((await impatient.database.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
  });

  test('for all the statements of a transaction together; nothing of it is kept, and no ROLLBACK is waited for', async () => {
    const impatient = room.open({ deadlineMs: 300 });
    const slow = impatient.database.transaction(async (tx) => {
      await insert(tx, 1);
      for (;;) await tx.query('SELECT pg_sleep(0.1)');
    });
    await expect(slow).rejects.toMatchObject({ code: 'database_unavailable' });
    await until(() => impatient.pool.totalCount === 0);
    expect(await count()).toBe(0);
  });

  test('for work that does not speak to the database at all', async () => {
    const impatient = room.open({ deadlineMs: 100 });
    const dreamer = impatient.database.transaction(async (tx) => {
      await insert(tx, 1);
      await new Promise((resolve) => setTimeout(resolve, 200));
      await insert(tx, 2);
    });
    await expect(dreamer).rejects.toMatchObject({ code: 'database_unavailable' });
    expect(await count()).toBe(0);
  });

  test('on the server first, which says so more clearly, and keeps the connection', async () => {
    const strict = room.open({ statementTimeoutMs: 200, max: 1 });
    await expect(strict.database.query('SELECT pg_sleep(2)')).rejects.toMatchObject({
      code: 'database_unavailable',
      cause: { code: '57014' },
    });
    expect(strict.pool.totalCount).toBe(1);
  });

  test('for a lock: after a second', async () => {
    await room.sql('INSERT INTO room.parcels (id) VALUES (1)');
    const letGo = await room.hold('SELECT id FROM room.parcels FOR UPDATE');
    await expect(opened.database.query('UPDATE room.parcels SET label = $1', ['x'])).rejects.toMatchObject({
      code: 'database_unavailable',
      cause: { code: '55P03' },
    });
    await letGo();
  });
});

test('an error is told when the statement is undone: its locks are free for whoever tries again at once', async () => {
  // Many locks, so that undoing takes a moment.
  const failing =
    'SELECT count(pg_advisory_xact_lock(i)), 1 / (count(pg_advisory_xact_lock(i)) - 1500) FROM generate_series(1, 1500) i';
  for (let times = 0; times < 30; times++) {
    await expect(opened.database.query(failing)).rejects.toMatchObject({ code: '22012' });
    const [last] = await room.sql('SELECT pg_try_advisory_xact_lock(1500) AS free');
    expect(last).toEqual({ free: true });
  }
});

describe('a crowd', () => {
  test('of long looks gets a quarter of the connections, and a place again when one has ended', async () => {
    const { database } = room.open({ max: 8 });
    const look = () =>
      database.snapshot(async function* (moment) {
        yield (await moment.query<{ one: number }>('SELECT 1 AS one')).rows[0]?.one;
      });
    const looks = [look(), look()];
    expect(await Promise.all(looks.map((one) => one.next()))).toEqual(looks.map(() => ({ done: false, value: 1 })));
    await expect(look().next()).rejects.toMatchObject({ kind: 'unavailable', code: 'database_busy' });
    await looks[0]?.return(undefined);
    const next = look();
    expect((await next.next()).value).toBe(1);
    for (const one of [...looks, next]) await one.return(undefined);
  });

  test('may queue up to four for each connection; whoever comes later hears at once', async () => {
    const narrow = room.open({ max: 2 });
    const held = gate();
    const holders = Array.from({ length: 2 }, () => narrow.database.transaction(() => held.opened));
    const waiters = Array.from({ length: 8 }, () => narrow.database.query('SELECT 1 AS one'));
    await until(() => narrow.pool.waitingCount === 8);
    await expect(narrow.database.query('SELECT 1')).rejects.toMatchObject({
      kind: 'unavailable',
      code: 'database_busy',
      retryAfterSeconds: 1,
    });
    await expect(narrow.database.transaction(async () => 1)).rejects.toMatchObject({ code: 'database_busy' });
    expect(narrow.pool.waitingCount).toBe(8);
    held.open();
    await Promise.all([...holders, ...waiters]);
    expect([narrow.pool.waitingCount, narrow.pool.idleCount]).toEqual([0, 2]);
  });

  test('does not wait for a connection for ever', async () => {
    const narrow = room.open({ max: 1 });
    const held = gate();
    const holder = narrow.database.transaction(() => held.opened);
    await expect(narrow.database.query('SELECT 1')).rejects.toMatchObject({ code: 'database_unavailable' });
    held.open();
    await holder;
  });
});

describe('prepared statements', () => {
  const prepared = async ({ database }: Opened) =>
    (await database.query<{ name: string }>('SELECT name FROM pg_prepared_statements ORDER BY name')).rows.map(
      ({ name }) => name,
    );

  test('are kept by name, the same for the same text', async () => {
    const narrow = room.open({ max: 1 });
    for (let i = 0; i < 3; i++) await narrow.database.query('SELECT $1::int AS one', [i]);
    const names = await prepared(narrow);
    expect(names).toHaveLength(2);
    expect(names.every((name) => /^wb_[\w-]{16}$/.test(name))).toBe(true);
  });

  test('are not used behind a pooler that cannot keep them', async () => {
    const narrow = room.open({ max: 1, prepared: false });
    await narrow.database.query('SELECT $1::int AS one', [1]);
    expect(await prepared(narrow)).toEqual([]);
  });
});
