// What operators see of facts: who has not heard what yet.
import type { Database } from '../database/database.ts';
import type { Reading } from '../metrics/readings.ts';

type Row = { subscriber: string; waiting: number; oldest: number; dead: number };

/** As many rows of two indexes as there are deliveries pending and dead. */
export const outboxReading = (database: Database): Reading => ({
  of: 'events',
  gauges: {
    outbox_waiting: { help: 'Deliveries of facts that wait, by subscriber', labels: ['subscriber'] },
    outbox_oldest_seconds: { help: 'Age of the oldest fact that a subscriber has not heard', labels: ['subscriber'] },
    outbox_dead: { help: 'Deliveries given up, by subscriber', labels: ['subscriber'] },
  },
  read: async () => {
    const { rows } = await database.query<Row>(
      `SELECT s.subscriber, coalesce(waiting, 0)::int AS waiting, coalesce(oldest, 0)::float8 AS oldest, coalesce(dead, 0)::int AS dead
       FROM (SELECT DISTINCT subscriber FROM events.subscriptions) s
       LEFT JOIN (
         SELECT subscriber, count(*) AS waiting, extract(epoch FROM now() - min(occurred_at)) AS oldest
         FROM events.deliveries d JOIN events.outbox o ON o.id = d.event_id WHERE status = 'pending' GROUP BY subscriber
       ) pending USING (subscriber)
       LEFT JOIN (
         SELECT subscriber, count(*) AS dead FROM events.deliveries WHERE status = 'dead' GROUP BY subscriber
       ) given_up USING (subscriber)`,
    );
    return rows.flatMap(({ subscriber, waiting, oldest, dead }) => [
      { name: 'outbox_waiting', labels: { subscriber }, value: waiting },
      { name: 'outbox_oldest_seconds', labels: { subscriber }, value: oldest },
      { name: 'outbox_dead', labels: { subscriber }, value: dead },
    ]);
  },
});
