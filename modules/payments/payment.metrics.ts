// What operators see of payments: what is not settled yet. What has been is counted by its facts.
import type { Database } from '../../shared/database/database.ts';
import type { Reading } from '../../shared/metrics/readings.ts';

type Row = { unfinished: Record<string, number>; owed: number; overdue: number };

/** As many rows of the index as there are payments and refunds to ask the provider about. */
export const paymentReading = (database: Database): Reading => ({
  of: 'payments',
  gauges: {
    payments_unfinished: { help: 'Payments whose end is not known, or that owe money back, by status', labels: ['status'] },
    payments_owed: { help: 'Payments whose money has to go back to the customer and has not yet' },
    payments_check_overdue_seconds: { help: 'How long the provider should have been asked about a payment or refund; 0 for none' },
  }, // prettier-ignore
  read: async () => {
    const { rows } = await database.query<Row>(
      `WITH unfinished AS (
         SELECT status, count(*) AS count, count(*) FILTER (WHERE is_owed) AS owed, min(check_at) AS check_at
         FROM payments.payments WHERE check_at IS NOT NULL GROUP BY status
       )
       SELECT coalesce(json_object_agg(status, count), '{}') AS unfinished, coalesce(sum(owed), 0)::int AS owed,
         greatest(extract(epoch FROM now() - least(min(check_at),
           (SELECT min(check_at) FROM payments.refunds WHERE status = 'pending'))), 0)::float8 AS overdue
       FROM unfinished`,
    );
    return rows.flatMap(({ unfinished, owed, overdue }) => [
      ...openStatuses.map((status) => ({ name: 'payments_unfinished', labels: { status }, value: unfinished[status] ?? 0 })),
      { name: 'payments_owed', value: owed },
      { name: 'payments_check_overdue_seconds', value: overdue },
    ]); // prettier-ignore
  },
});

/** Those that can have something left to ask. */
const openStatuses = ['processing', 'unknown', 'requires_action', 'authorized', 'captured', 'voided', 'declined'];
