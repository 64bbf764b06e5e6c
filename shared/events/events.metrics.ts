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
      // In words that only the index of heads fits: it alone is read, and one fact of each subscriber.
      `SELECT s.subscriber, waiting::int, coalesce(extract(epoch FROM now() - oldest.occurred_at), 0)::float8 AS oldest, dead::int
       FROM (SELECT DISTINCT subscriber FROM events.subscriptions) s
       CROSS JOIN LATERAL (
         SELECT count(*) AS waiting, min(seq) AS first FROM events.deliveries d
         WHERE d.subscriber = s.subscriber AND status <> 'delivered' AND status <> 'dead'
       ) pending
       CROSS JOIN LATERAL (
         SELECT count(*) AS dead FROM events.deliveries d WHERE d.subscriber = s.subscriber AND status = 'dead'
       ) given_up
       LEFT JOIN LATERAL (
         SELECT o.occurred_at FROM events.deliveries d JOIN events.outbox o ON o.id = d.event_id
         WHERE d.subscriber = s.subscriber AND d.seq = pending.first AND d.status <> 'delivered' AND d.status <> 'dead'
         LIMIT 1
       ) oldest ON true`,
    );
    return rows.flatMap(({ subscriber, waiting, oldest, dead }) => [
      { name: 'outbox_waiting', labels: { subscriber }, value: waiting },
      { name: 'outbox_oldest_seconds', labels: { subscriber }, value: oldest },
      { name: 'outbox_dead', labels: { subscriber }, value: dead },
    ]);
  },
});
