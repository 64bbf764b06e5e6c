// Work for later: ask about what is open or owed, forget old events.
import type { Database } from '../../shared/database/database.ts';
import type { RecurringJob } from '../../shared/jobs/jobs.ts';
import type { Reconciliation } from './payment.reconciliation.ts';
import { deleteOldEvents } from './payment.repository.ts';

export const paymentJobs = (reconciliation: Reconciliation, database: Database): RecurringJob[] => [
  { name: 'payments.reconcile', everySeconds: 15, run: () => reconciliation.reconcileDue() },
  { name: 'payments.purge-events', everySeconds: 3600, run: async () => void (await deleteOldEvents(database)) },
];
