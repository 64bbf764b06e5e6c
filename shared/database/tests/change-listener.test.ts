// Hearing of changes over a real connection, which is killed and frozen.
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { readableLog, startRoomDatabase, until, type RoomDatabase } from '../../../tests/support/room-database.ts';
import { ChangeListener } from '../change-listener.ts';

let room: RoomDatabase;
const listeners: ChangeListener[] = [];

beforeAll(async () => {
  room = await startRoomDatabase();
});
afterEach(async () => {
  await Promise.all(listeners.splice(0).map((one) => one.stop()));
});
afterAll(() => room.close());

/** What it was told, in order. */
async function listen() {
  const told: string[] = [];
  const hearer = {
    hear: () => void told.push('hear'),
    deafen: () => void told.push('deafen'),
    forget: (cache: string, key: string) => void told.push(`${cache}/${key}`),
  };
  const { logger, lines } = readableLog('info');
  const listener = new ChangeListener({ connectionString: room.url, hearer, logger });
  listeners.push(listener);
  listener.start();
  await until(() => told.includes('hear'));
  return { told, listener, lines };
}

const notify = (payload: string) => room.sql(`SELECT pg_notify('waybill_changes', $1)`, [payload]);

async function backend(): Promise<number> {
  const [row] = await room.sql<{ pid: number }>(
    `SELECT pid FROM pg_stat_activity WHERE application_name = 'waybill-changes' AND datname = current_database()`,
  );
  return row?.pid ?? 0;
}

test('a change is told once it is committed, and nothing after the end', async () => {
  const { told, listener } = await listen();
  await notify('products 1');
  await until(() => told.includes('products/1'));
  await listener.stop();
  await notify('products 2');
  expect(told).toEqual(['hear', 'products/1', 'deafen']);
});

test('a connection that is ended is known to be, and made again', async () => {
  const { told, lines } = await listen();
  await room.sql('SELECT pg_terminate_backend($1)', [await backend()]);
  await until(() => told.length === 3);
  expect(told).toEqual(['hear', 'deafen', 'hear']);
  await notify('products 1');
  await until(() => told.includes('products/1'));
  expect(lines.map(({ msg }) => msg)).toEqual([
    'changes of other processes are not heard; trying again',
    'changes of other processes are heard again',
  ]);
});

test('so is one that says nothing any more', async () => {
  const { told } = await listen();
  const frozen = await backend();
  process.kill(frozen, 'SIGSTOP');
  try {
    await until(() => told.length >= 3);
    expect(told).toEqual(['hear', 'deafen', 'hear']);
  } finally {
    process.kill(frozen, 'SIGCONT');
  }
});
