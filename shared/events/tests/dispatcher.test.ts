// A fact was recorded: everybody who subscribed hears it, in order, at least once, and nobody hears what never happened.
import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  gate,
  readableLog,
  silent,
  startRoomDatabase,
  until,
  type Opened,
  type RoomDatabase,
} from '../../../tests/support/room-database.ts';
import type { Database } from '../../database/database.ts';
import { conflict } from '../../errors/app-error.ts';
import type { Logger } from '../../logging/logger.ts';
import { currentRequestId, withRequestContext } from '../../logging/request-context.ts';
import { Metrics } from '../../metrics/metrics.ts';
import { ATTEMPTS_MAX } from '../back-off.ts';
import { Dispatcher, purgeDelivered, subscription, type Subscription } from '../dispatcher.ts';
import { Outbox } from '../outbox.ts';

let room: RoomDatabase;
let opened: Opened;
let outbox: Outbox;
const customerId = randomUUID();

beforeEach(async () => {
  room = await startRoomDatabase();
  opened = room.open({ max: 10 });
  outbox = new Outbox(new Metrics());
});
afterEach(() => room.close());

type Heard = { orderId: string; reason: string | null };
type Hear = (heard: Heard, attempt: number) => Promise<void> | void;

/** Hears cancelled orders: the reason tells the facts of one order apart. */
function hearer(name: string, hear: Hear = () => undefined): { heard: Heard[]; subscription: Subscription } {
  const heard: Heard[] = [];
  return {
    heard,
    subscription: subscription(name, 'order.cancelled', async ({ payload: { orderId, reason } }) => {
      heard.push({ orderId, reason });
      await hear({ orderId, reason }, heard.filter((one) => one.orderId === orderId && one.reason === reason).length);
    }),
  };
}

async function dispatcherFor(
  subscriptions: Subscription[],
  {
    database = opened.database,
    logger = silent,
    pollMs = 60_000,
  }: { database?: Database; logger?: Logger; pollMs?: number } = {},
): Promise<Dispatcher> {
  const dispatcher = new Dispatcher({ database, subscriptions, logger, metrics: new Metrics(), pollMs });
  await dispatcher.announce();
  return dispatcher;
}

const record = (orderId: string, reason: string) =>
  opened.database.transaction((tx) => outbox.record(tx, 'order.cancelled', orderId, { orderId, customerId, reason }));

/** Times in ms since 1970, by the database's clock. */
const deliveries = () =>
  room.sql<{ subscriber: string; status: string; attempts: number; last_error: string | null; nextAt: number }>(
    `SELECT subscriber, status, attempts, last_error, (extract(epoch FROM next_at) * 1000)::float8 AS "nextAt" FROM events.deliveries ORDER BY seq, subscriber`,
  );

const databaseNow = async () =>
  (await room.sql<{ now: number }>('SELECT (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS now'))[0]?.now ??
  Number.NaN;

const postpone = () => room.sql(`UPDATE events.deliveries SET next_at = now() + interval '1 hour'`);

/** As if the time to wait had passed. */
const makeDue = () =>
  room.sql(`UPDATE events.deliveries SET next_at = now() - interval '1 ms' WHERE status = 'pending'`);

describe('telling', () => {
  test('every subscriber hears a committed fact, once, with what was recorded', async () => {
    const [mails, stats] = [hearer('mails'), hearer('stats')];
    const orderId = randomUUID();
    const dispatcher = await dispatcherFor([mails.subscription, stats.subscription]);
    await record(orderId, 'changed my mind');
    expect(await dispatcher.drain()).toBe(2);
    expect([mails.heard, stats.heard]).toEqual([
      [{ orderId, reason: 'changed my mind' }],
      [{ orderId, reason: 'changed my mind' }],
    ]);
    expect(await dispatcher.drain()).toBe(0);
    expect(await deliveries()).toMatchObject([
      { status: 'delivered', attempts: 1, last_error: null },
      { status: 'delivered', attempts: 1 },
    ]);
  });

  test('a fact of a transaction that was rolled back is never heard', async () => {
    const mails = hearer('mails');
    const dispatcher = await dispatcherFor([mails.subscription]);
    const orderId = randomUUID();
    const lost = opened.database.transaction(async (tx) => {
      await outbox.record(tx, 'order.cancelled', orderId, { orderId, customerId, reason: null });
      throw new Error('changed my mind');
    });
    await expect(lost).rejects.toThrow('changed my mind');
    expect(await dispatcher.drain()).toBe(0);
    expect(mails.heard).toEqual([]);
  });

  test('a fact is not heard before its transaction commits', async () => {
    const mails = hearer('mails');
    const dispatcher = await dispatcherFor([mails.subscription]);
    await opened.database.transaction(async (tx) => {
      const orderId = randomUUID();
      await outbox.record(tx, 'order.cancelled', orderId, { orderId, customerId, reason: null });
      expect(await dispatcher.drain()).toBe(0);
    });
    expect(await dispatcher.drain()).toBe(1);
  });

  test('nobody subscribed: nothing to deliver; what was taken off is not told any more', async () => {
    const mails = hearer('mails');
    await dispatcherFor([mails.subscription]);
    const without = await dispatcherFor([]);
    await record(randomUUID(), 'x');
    expect(await without.drain()).toBe(0);
    expect(await deliveries()).toEqual([]);
  });

  test('the hearer is in the context of the request that told it, or of the event', async () => {
    const seen: (string | undefined)[] = [];
    const mails = hearer('mails', () => void seen.push(currentRequestId()));
    const dispatcher = await dispatcherFor([mails.subscription]);
    await withRequestContext({ requestId: 'request-1' }, () => record(randomUUID(), 'x'));
    await dispatcher.drain();
    await record(randomUUID(), 'y');
    await dispatcher.drain();
    expect(seen[0]).toBe('request-1');
    expect(seen[1]).toMatch(/^event-[0-9a-f-]{36}$/);
  });
});

describe('order', () => {
  test('facts about one order are heard as they were recorded; one that fails holds up its order, not the others', async () => {
    const [slow, quick] = [randomUUID(), randomUUID()];
    const mails = hearer('mails', ({ orderId }, attempt) => {
      if (orderId === slow && attempt === 1) throw new Error('not today');
    });
    const dispatcher = await dispatcherFor([mails.subscription]);
    for (const reason of ['1', '2', '3']) {
      await record(slow, reason);
      await record(quick, reason);
    }
    await dispatcher.drain();
    const of = (orderId: string) => mails.heard.filter((one) => one.orderId === orderId).map(({ reason }) => reason);
    expect([of(quick), of(slow)]).toEqual([['1', '2', '3'], ['1']]);
    for (let i = 0; i < 6; i++) {
      await makeDue();
      await dispatcher.drain();
    }
    expect(of(slow)).toEqual(['1', '1', '2', '2', '3', '3']);
  });

  test('two processes at once: each delivery is tried once, and in order', async () => {
    const mails = hearer('mails', async () => new Promise((resolve) => setTimeout(resolve, Math.random() * 5)));
    const orders = Array.from({ length: 4 }, () => randomUUID());
    const first = await dispatcherFor([mails.subscription]);
    const second = await dispatcherFor([mails.subscription], { database: room.open().database });
    for (let i = 0; i < 15; i++) for (const orderId of orders) await record(orderId, String(i));
    while ((await Promise.all([first.drain(), second.drain()])).some((tried) => tried > 0));
    for (const orderId of orders) {
      expect(mails.heard.filter((one) => one.orderId === orderId).map(({ reason }) => Number(reason))).toEqual(
        Array.from({ length: 15 }, (_one, i) => i),
      );
    }
    expect((await deliveries()).filter(({ status, attempts }) => status !== 'delivered' || attempts !== 1)).toEqual([]);
  });

  test('what another process is claiming at this moment is neither waited for nor claimed again', async () => {
    const mails = hearer('mails');
    const dispatcher = await dispatcherFor([mails.subscription]);
    await record(randomUUID(), 'x');
    const letGo = await room.hold('SELECT event_id FROM events.claim_due(20, 60000)');
    expect(await dispatcher.drain()).toBe(0);
    await letGo();
    expect(await dispatcher.drain()).toBe(0);
    expect(await deliveries()).toMatchObject([{ status: 'pending', attempts: 1 }]);
  });

  test('subscribers do not hold each other up', async () => {
    const broken = hearer('broken', () => {
      throw new Error('for ever');
    });
    const mails = hearer('mails');
    const dispatcher = await dispatcherFor([broken.subscription, mails.subscription]);
    const orderId = randomUUID();
    for (const reason of ['1', '2']) await record(orderId, reason);
    await dispatcher.drain();
    expect([broken.heard.length, mails.heard.length]).toEqual([1, 2]);
  });
});

describe('failing', () => {
  const failing = (error: unknown) =>
    hearer('mails', async () => {
      throw error;
    });

  test('a failed delivery waits, longer each time, and says why in a code, never in a message', async () => {
    const dispatcher = await dispatcherFor([failing(conflict('too_early', 'for ada@example.com')).subscription]);
    await record(randomUUID(), 'x');
    for (const [attempts, leastMs, mostMs] of [
      [1, 500, 1500],
      [2, 1000, 3000],
      [3, 2000, 6000],
    ] as const) {
      const before = await databaseNow();
      expect(await dispatcher.drain()).toBe(1);
      const after = await databaseNow();
      const [delivery] = await deliveries();
      expect(delivery).toMatchObject({ status: 'pending', attempts, last_error: 'too_early' });
      expect(delivery?.nextAt).toBeGreaterThanOrEqual(before + leastMs);
      expect(delivery?.nextAt).toBeLessThanOrEqual(after + mostMs);
      await postpone();
      expect(await dispatcher.drain()).toBe(0);
      await makeDue();
    }
  });

  test.each([
    ['of PostgreSQL', Object.assign(new Error('secret'), { code: '23505' }), '23505'],
    ['of ours', new TypeError('secret'), 'TypeError'],
    ['that is none', 'secret', 'unknown'],
  ])('an error %s', async (_name, error, expected) => {
    const dispatcher = await dispatcherFor([failing(error).subscription]);
    await record(randomUUID(), 'x');
    await dispatcher.drain();
    expect(await deliveries()).toMatchObject([{ last_error: expected }]);
  });

  test(`after attempt ${ATTEMPTS_MAX} it is dead, an operator is told, and the next fact of the order goes on`, async () => {
    const { logger, lines } = readableLog();
    const mails = hearer('mails', ({ reason }) => {
      if (reason === '1') throw new Error('for ever');
    });
    const dispatcher = await dispatcherFor([mails.subscription], { logger });
    const orderId = randomUUID();
    for (const reason of ['1', '2']) await record(orderId, reason);
    await room.sql(`UPDATE events.deliveries SET attempts = $1 WHERE seq = (SELECT min(seq) FROM events.deliveries)`, [
      ATTEMPTS_MAX - 2,
    ]);
    await dispatcher.drain();
    expect((await deliveries())[0]).toMatchObject({ status: 'pending', attempts: ATTEMPTS_MAX - 1 });
    await makeDue();
    await dispatcher.drain();
    expect(await deliveries()).toMatchObject([{ status: 'dead', attempts: ATTEMPTS_MAX }, { status: 'delivered' }]);
    expect(lines).toContainEqual(
      expect.objectContaining({ level: 'error', msg: 'delivery is dead', subscriber: 'mails' }),
    );
    await makeDue();
    expect(await dispatcher.drain()).toBe(0);
  });

  test('a delivery for a subscriber that is not here waits for a process that has it', async () => {
    const mails = hearer('mails');
    const dispatcher = await dispatcherFor([mails.subscription]);
    await record(randomUUID(), 'x');
    const older = new Dispatcher({
      database: opened.database,
      subscriptions: [],
      logger: silent,
      metrics: new Metrics(),
      pollMs: 60_000,
    });
    await older.drain();
    expect(await deliveries()).toMatchObject([{ status: 'pending', attempts: 1 }]);
    await makeDue();
    await dispatcher.drain();
    expect(mails.heard).toHaveLength(1);
  });

  test('a payload that is not of its schema never reaches the hearer', async () => {
    const mails = hearer('mails');
    const dispatcher = await dispatcherFor([mails.subscription]);
    await record(randomUUID(), 'x');
    await room.sql(`UPDATE events.outbox SET payload = '{"orderId":"not-an-id"}'`);
    await dispatcher.drain();
    expect(mails.heard).toEqual([]);
    expect(await deliveries()).toMatchObject([{ status: 'pending', last_error: 'ZodError' }]);
  });

  test('a hearer that outlives its lease: another process delivers, and the late one settles nothing', async () => {
    const [stuck, done] = [gate(), gate()];
    const slow = hearer('mails', () => stuck.opened);
    const first = await dispatcherFor([slow.subscription]);
    await record(randomUUID(), 'x');
    const draining = first.drain();
    await until(() => slow.heard.length === 1);
    expect((await deliveries())[0]?.nextAt).toBeGreaterThan((await databaseNow()) + 30_000);

    const quick = hearer('mails', () => done.opened);
    const second = await dispatcherFor([quick.subscription], { database: room.open().database });
    expect(await second.drain()).toBe(0);
    await makeDue();
    const drainingToo = second.drain();
    await until(() => quick.heard.length === 1);
    stuck.open();
    await draining;
    expect(await deliveries()).toMatchObject([{ status: 'pending', attempts: 2 }]);
    done.open();
    await drainingToo;
    expect(await deliveries()).toMatchObject([{ status: 'delivered', attempts: 2 }]);
  });
});

describe('the life of a dispatcher', () => {
  test('a fact recorded here is heard at once, one recorded elsewhere at the next look', async () => {
    const mails = hearer('mails');
    const dispatcher = await dispatcherFor([mails.subscription], { pollMs: 60_000 });
    outbox.onRecorded((type) => dispatcher.wake(type));
    dispatcher.start();
    await until(async () => (await deliveries()).length === 0);
    await record(randomUUID(), 'here');
    await until(() => mails.heard.length === 1, 2000);
    await dispatcher.stop();

    const polling = await dispatcherFor([mails.subscription], { pollMs: 50 });
    outbox.onRecorded(() => undefined);
    polling.start();
    await record(randomUUID(), 'elsewhere');
    await until(() => mails.heard.length === 2, 2000);
    await polling.stop();
  });

  test('stopping finishes what is under way, and begins nothing more', async () => {
    const held = gate();
    const mails = hearer('mails', () => held.opened);
    const dispatcher = await dispatcherFor([mails.subscription]);
    const orderId = randomUUID();
    for (const reason of ['1', '2']) await record(orderId, reason);
    dispatcher.start();
    await until(() => mails.heard.length === 1);
    const stopping = dispatcher.stop();
    held.open();
    await stopping;
    expect((await deliveries()).map(({ status }) => status)).toEqual(['delivered', 'pending']);
  });

  test('a database that is away for a while does not end it', async () => {
    const mails = hearer('mails');
    const { logger, lines } = readableLog();
    let isAway = true;
    const flaky: Database = {
      ...opened.database,
      query: (text, values) =>
        isAway && text.includes('claim_due') ? Promise.reject(new Error('away')) : opened.database.query(text, values),
    };
    const dispatcher = await dispatcherFor([mails.subscription], { database: flaky, logger, pollMs: 20 });
    await record(randomUUID(), 'x');
    dispatcher.start();
    await until(() => lines.some(({ msg }) => msg === 'event dispatch failed; trying again'));
    isAway = false;
    await until(() => mails.heard.length === 1);
    await dispatcher.stop();
  });
});

test('after a week what was delivered is purged, with its fact; what is pending or dead stays', async () => {
  const mails = hearer('mails');
  const dispatcher = await dispatcherFor([mails.subscription]);
  for (const reason of ['delivered', 'recent', 'dead', 'pending']) await record(randomUUID(), reason);
  await dispatcher.drain();
  await room.sql(
    `UPDATE events.outbox SET occurred_at = now() - interval '8 days' WHERE payload ->> 'reason' <> 'recent'`,
  );
  await room.sql(
    `UPDATE events.deliveries d SET delivered_at = o.occurred_at, status = CASE WHEN payload ->> 'reason' IN ('dead', 'pending') THEN payload ->> 'reason' ELSE d.status END FROM events.outbox o WHERE o.id = d.event_id`,
  );
  expect([await purgeDelivered(opened.database), await purgeDelivered(opened.database)]).toEqual([2, 0]);
  const left = await room.sql<{ reason: string }>(
    `SELECT payload ->> 'reason' AS reason FROM events.outbox ORDER BY seq`,
  );
  expect(left.map(({ reason }) => reason)).toEqual(['recent', 'dead', 'pending']);
});
