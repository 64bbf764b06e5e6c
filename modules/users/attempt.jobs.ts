// Work on counted attempts for later.
import type { Database } from '../../shared/database/database.ts';
import type { RecurringJob } from '../../shared/jobs/jobs.ts';
import type { AttemptRepository } from './attempt.repository.ts';

const PURGE_BATCH = 1000;

export const attemptJobs = (database: Database, attempts: AttemptRepository): RecurringJob[] => [
  {
    name: 'users.purge-attempts',
    everySeconds: 600,
    run: async () => {
      while ((await attempts.deleteEnded(database, PURGE_BATCH)) === PURGE_BATCH);
    },
  },
];
