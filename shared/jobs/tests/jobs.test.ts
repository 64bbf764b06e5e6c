// Recurring jobs on a real queue: they run, again and again, on one process at a time, and a failure is not the end.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { gate, readableLog, silent, startRoomDatabase, until, type RoomDatabase } from '../../../tests/support/room-database.ts';
import type { Logger } from '../../logging/logger.ts';
import { currentRequestId } from '../../logging/request-context.ts';
import { JobRunner, type RecurringJob } from '../jobs.ts';

let room: RoomDatabase;
let runners: JobRunner[];
beforeEach(async () => {
  room = await startRoomDatabase();
  runners = [];
});
afterEach(async () => {
  await Promise.all(runners.map((runner) => runner.stop()));
  await room.close();
});

async function startRunner(jobs: RecurringJob[], logger: Logger = silent): Promise<JobRunner> {
  const runner = new JobRunner({ pool: room.open({ max: 4 }).pool, jobs, logger });
  runners.push(runner);
  await runner.start();
  return runner;
}

const job = (run: () => Promise<void> | void, everySeconds = 0.1): RecurringJob => ({ name: 'room.job', everySeconds, run: async () => run() });

test('a job runs at once, and again at each tick, as a request of its own in the log', async () => {
  const ids: (string | undefined)[] = [];
  await startRunner([job(() => void ids.push(currentRequestId()))]);
  await until(() => ids.length >= 3);
  expect(ids[0]).toMatch(/^job-room\.job-\d+$/);
  expect(new Set(ids).size).toBe(ids.length);
});

test('a run that fails is told in the log and tried again at the next tick', async () => {
  const { logger, lines } = readableLog();
  let runs = 0;
  await startRunner(
    [
      job(() => {
        runs++;
        if (runs <= 2) throw new Error('not today');
      }),
    ],
    logger,
  );
  await until(() => runs >= 4);
  expect(lines.filter(({ level, msg }) => level === 'error' && String(msg).includes('not today')).length).toBeGreaterThanOrEqual(2);
});

test('two processes do not run it at the same time, however often it ticks', async () => {
  let [underWay, most, runs] = [0, 0, 0];
  const slow = job(async () => {
    most = Math.max(most, ++underWay);
    await new Promise((resolve) => setTimeout(resolve, 120));
    underWay--;
    runs++;
  }, 0.03);
  await Promise.all([startRunner([slow]), startRunner([slow])]);
  await until(() => runs >= 5);
  expect(most).toBe(1);
});

test('ticks that come while it runs are one waiting run, not a backlog', async () => {
  const held = gate();
  let runs = 0;
  await startRunner([
    job(async () => {
      runs++;
      await held.opened;
    }, 0.03),
  ]);
  await until(() => runs === 1);
  await new Promise((resolve) => setTimeout(resolve, 300));
  const [row] = await room.sql<{ count: number }>('SELECT count(*)::int AS count FROM graphile_worker.jobs');
  expect(row?.count).toBeLessThanOrEqual(2);
  held.open();
});

describe('stopping', () => {
  test('finishes the run that is under way, and begins no other', async () => {
    const held = gate();
    const seen: string[] = [];
    const runner = await startRunner([
      job(async () => {
        seen.push('begun');
        await held.opened;
        seen.push('ended');
      }),
    ]);
    await until(() => seen.length === 1);
    runners = [];
    const stopping = runner.stop();
    held.open();
    await stopping;
    expect(seen).toEqual(['begun', 'ended']);
    await new Promise((resolve) => setTimeout(resolve, 250));
    expect(seen).toEqual(['begun', 'ended']);
  });

  test('before it was started is nothing to do', async () => {
    await new JobRunner({ pool: room.open().pool, jobs: [], logger: silent }).stop();
  });
});
