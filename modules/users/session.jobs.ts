// Work on logins for later.
import type { RecurringJob } from '../../shared/jobs/jobs.ts';
import type { SessionService } from './session.service.ts';

export const sessionJobs = (sessions: SessionService): RecurringJob[] => [
  { name: 'users.purge-sessions', everySeconds: 3600, run: () => sessions.purge() },
];
