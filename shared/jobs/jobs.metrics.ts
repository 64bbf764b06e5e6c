// What operators see of the queue: what should be running by now.
import type { Database } from '../database/database.ts';
import type { Reading } from '../metrics/readings.ts';

type Row = { job: string; waiting: number; oldest: number };

/** Of these jobs; all of them are in the queue's one small table. Before a worker ever ran there is none, and these are missing. */
export const queueReading = (database: Database, names: string[]): Reading => ({
  of: 'jobs',
  gauges: {
    job_queue_waiting: { help: 'Jobs that are due and not taken, by name', labels: ['job'] },
    job_queue_oldest_seconds: { help: 'How long the oldest of them has been waiting', labels: ['job'] },
  },
  read: async () => {
    // Not run_at: each tick asks for the same waiting job again, and moves it.
    const { rows } = await database.query<Row>(
      `SELECT name AS job, count(j.id)::int AS waiting, coalesce(extract(epoch FROM now() - min(j.created_at)), 0)::float8 AS oldest
       FROM unnest($1::text[]) AS name
       LEFT JOIN graphile_worker.jobs j
         ON j.task_identifier = name AND j.run_at <= now() AND j.locked_at IS NULL AND j.attempts < j.max_attempts
       GROUP BY name`,
      [names],
    );
    return rows.flatMap(({ job, waiting, oldest }) => [
      { name: 'job_queue_waiting', labels: { job }, value: waiting },
      { name: 'job_queue_oldest_seconds', labels: { job }, value: oldest },
    ]);
  },
});
