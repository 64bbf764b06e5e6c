// Recurring jobs on a real queue: they run, again and again, on one process at a time, and a failure is not the end.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  gate,
  readableLog,
  silent,
  startRoomDatabase,
  until,
  type RoomDatabase,
} from '../../../tests/support/room-database.ts';
import type { Logger } from '../../logging/logger.ts';
import { currentRequestId } from '../../logging/request-context.ts';
import { Metrics } from '../../metrics/metrics.ts';
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
  const runner = new JobRunner({ pool: room.open({ max: 4 }).pool, jobs, logger, metrics: new Metrics() });
  runners.push(runner);
  await runner.start();
  return runner;
}

const job = (run: () => Promise<void> | void, everySeconds = 0.1): RecurringJob => ({
  name: 'room.job',
  everySeconds,
  run: async () => run(),
});

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
  expect(
    lines.filter(({ level, msg }) => level === 'error' && String(msg).includes('not today')).length,
  ).toBeGreaterThanOrEqual(2);
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

test('a process that was killed in the middle of a run does not keep the job from the others for long', async () => {
  await startRunner([]);
  await room.sql(
    `SELECT graphile_worker.add_job('room.job', '{}', queue_name => 'room.job', job_key => 'room.job', max_attempts => 1)`,
  );
  // At once, as the library locks: a sweep between the two would free the job and leave its queue locked.
  const leftLocked = (secondsAgo: number) =>
    room.sql(
      `WITH job AS (UPDATE graphile_worker._private_jobs
                    SET attempts = 1, locked_by = 'worker-killed', locked_at = now() - $1 * interval '1 s')
       UPDATE graphile_worker._private_job_queues SET locked_by = 'worker-killed', locked_at = now() - $1 * interval '1 s'`,
      [secondsAgo],
    );
  await leftLocked(50);
  let runs = 0;
  await startRunner([job(() => void runs++)]);
  await new Promise((resolve) => setTimeout(resolve, 400));
  expect(runs).toBe(0);
  await room.sql('DELETE FROM graphile_worker._private_jobs WHERE locked_by IS NULL');
  await leftLocked(61);
  await until(() => runs >= 2);
});

test('a runner that the library gave up, since the database failed it, begins again by itself', async () => {
  const { logger, lines } = readableLog();
  let runs = 0;
  const hide = () => room.sql('ALTER TABLE graphile_worker._private_jobs RENAME TO hidden');
  await startRunner([job(async () => void (++runs === 1 && (await hide())))], logger);
  await until(() => lines.some(({ msg }) => msg === 'job runner ended; starting again'), 20_000);
  await room.sql(`ALTER TABLE graphile_worker.hidden RENAME TO _private_jobs`);
  for (const table of ['_private_jobs', '_private_job_queues'])
    await room.sql(
      `UPDATE graphile_worker.${table} SET locked_at = now() - interval '61 s' WHERE locked_by IS NOT NULL`,
    );
  await until(() => runs >= 3, 20_000);
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
    await new JobRunner({ pool: room.open().pool, jobs: [], logger: silent, metrics: new Metrics() }).stop();
  });
});
