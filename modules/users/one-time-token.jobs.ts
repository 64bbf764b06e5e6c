// Work on one-time tokens for later.
import type { Database } from '../../shared/database/database.ts';
import type { RecurringJob } from '../../shared/jobs/jobs.ts';
import type { OneTimeTokenRepository } from './one-time-token.repository.ts';

const PURGE_BATCH = 1000;

export const oneTimeTokenJobs = (database: Database, tokens: OneTimeTokenRepository): RecurringJob[] => [
  {
    name: 'users.purge-tokens',
    everySeconds: 3600,
    run: async () => {
      while ((await tokens.deleteExpired(database, PURGE_BATCH)) === PURGE_BATCH);
    },
  },
];
