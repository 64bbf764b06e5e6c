// Work for later: ask about what is open, owed or pending, forget old events.
import type { Database } from '../../shared/database/database.ts';
import type { RecurringJob } from '../../shared/jobs/jobs.ts';
import type { Reconciliation } from './payment.reconciliation.ts';
import { deleteOldEvents } from './payment.repository.ts';
import type { RefundReconciliation } from './refund.reconciliation.ts';

export const paymentJobs = (
  reconciliation: Reconciliation,
  refunds: RefundReconciliation,
  database: Database,
): RecurringJob[] => [
  { name: 'payments.reconcile', everySeconds: 15, run: () => reconcile(reconciliation, refunds) },
  { name: 'payments.purge-events', everySeconds: 3600, run: () => forgetOldEvents(database) },
];

/** Batch by batch: a busy shop hears more in an hour than one batch holds. */
async function forgetOldEvents(database: Database): Promise<void> {
  while ((await deleteOldEvents(database)) > 0);
}

async function reconcile(payments: Reconciliation, refunds: RefundReconciliation): Promise<void> {
  await payments.reconcileDue();
  await refunds.reconcileDue();
}
