// What operators see of orders: what waits for something to happen. What has happened is counted by its facts.
import type { Database } from '../../shared/database/database.ts';
import type { Reading } from '../../shared/metrics/readings.ts';

/** As many rows of the index as there are orders under way, however many have ended. */
export const orderReading = (database: Database): Reading => ({
  of: 'orders',
  gauges: {
    orders_open: { help: 'Orders that wait for something, by status', labels: ['status'] },
    orders_overdue_seconds: { help: 'How long ago the oldest order ran out that still holds its stock; 0 for none' },
  },
  read: async () => {
    const { rows } = await database.query<{ status: string; count: number; overdue: number }>(
      `SELECT status, count(o.status)::int AS count,
         (SELECT coalesce(extract(epoch FROM now() - min(expires_at)), 0)::float8
          FROM orders.orders WHERE status = 'pending_payment' AND expires_at < now()) AS overdue
       FROM unnest(ARRAY['pending_payment', 'confirmed', 'fulfilled']) AS open(status)
       LEFT JOIN orders.orders o USING (status) GROUP BY status`,
    );
    return [
      ...rows.map(({ status, count }) => ({ name: 'orders_open', labels: { status }, value: count })),
      { name: 'orders_overdue_seconds', value: rows[0]?.overdue ?? 0 },
    ];
  },
});
