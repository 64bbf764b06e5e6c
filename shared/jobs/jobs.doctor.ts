// What can be wrong with jobs: some that failed for good.
import type { Database } from '../database/database.ts';
import { FINDINGS_MAX, type Check, type Finding } from '../doctor/check.ts';

/** @param names of the jobs that there are; one of another name is of a version that is gone */
export const jobChecks = (database: Database, names: string[]): Check[] => [
  {
    name: 'jobs.failed',
    about: 'has no attempt left',
    find: async () => {
      if (!(await hasQueue(database))) return [];
      const { rows } = await database.query<Finding>(
        `SELECT id::text AS subject, task_identifier || ', ' || attempts || ' attempts' AS detail FROM graphile_worker.jobs
         WHERE attempts >= max_attempts AND locked_at IS NULL ORDER BY id LIMIT ${FINDINGS_MAX}`,
      );
      return rows;
    },
    fix: async (findings) => {
      const ids = findings.map(({ subject }) => subject);
      await database.query(
        `SELECT graphile_worker.reschedule_jobs(array_agg(id), run_at => now(), attempts => 0) FROM graphile_worker.jobs
         WHERE id = ANY ($1::bigint[]) AND task_identifier = ANY ($2)`,
        [ids, names],
      );
      await database.query(
        `SELECT graphile_worker.complete_jobs(array_agg(id)) FROM graphile_worker.jobs
         WHERE id = ANY ($1::bigint[]) AND NOT task_identifier = ANY ($2)`,
        [ids, names],
      );
    },
  },
];

/** None before a worker ever ran. */
async function hasQueue(database: Database): Promise<boolean> {
  const { rows } = await database.query<{ there: boolean }>(
    `SELECT to_regclass('graphile_worker.jobs') IS NOT NULL AS there`,
  );
  return rows[0]?.there === true;
}
