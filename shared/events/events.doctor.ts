// What can be wrong with the delivery of facts: some given up, some that nobody delivers.
import type { Database } from '../database/database.ts';
import { FINDINGS_MAX, type Check, type Finding } from '../doctor/check.ts';

/** @param deliver all that is due, by whoever hears it */
export const eventChecks = (database: Database, deliver: () => Promise<unknown>): Check[] => [
  {
    name: 'events.dead',
    about: 'given up after 15 attempts: a hearer failed for an hour',
    find: () => find(database, `d.status = 'dead'`, 'd.seq'),
    fix: async (findings) => {
      await database.query(
        `UPDATE events.deliveries SET status = 'pending', attempts = 0, next_at = now()
         WHERE status = 'dead' AND event_id = ANY ($1::uuid[])`,
        [findings.map(({ subject }) => subject)],
      );
      await deliver();
    },
  },
  {
    name: 'events.late',
    about: 'due for five minutes, and nobody has taken it: does a process with ROLE=worker or all run?',
    find: () =>
      find(
        database,
        // Those behind it in the same aggregate only wait for it. As in events.claim_due: an index for each of both.
        `d.status = 'pending' AND d.next_at < now() - interval '5 minutes' AND d.seq = (
           SELECT head.seq FROM events.deliveries head
           WHERE head.status <> 'delivered' AND head.status <> 'dead' AND head.subscriber = d.subscriber AND head.aggregate_id = d.aggregate_id
           ORDER BY head.seq LIMIT 1)`,
        'd.next_at',
      ),
    fix: async () => void (await deliver()),
  },
];

async function find(database: Database, condition: string, order: 'd.seq' | 'd.next_at'): Promise<Finding[]> {
  const { rows } = await database.query<Finding>(
    `SELECT d.event_id AS subject, o.type || ' for ' || d.subscriber || ', ' || d.attempts || ' attempts' || coalesce(', ' || d.last_error, '') AS detail
     FROM events.deliveries d JOIN events.outbox o ON o.id = d.event_id WHERE ${condition} ORDER BY ${order} LIMIT ${FINDINGS_MAX}`,
  );
  return rows;
}
