// What can be wrong with idempotency keys: some that no retry can go on with, some that nobody purges.
import type { Database } from '../database/database.ts';
import { FINDINGS_MAX, type Check, type Finding } from '../doctor/check.ts';
import type { Idempotency } from './idempotency.ts';

export const idempotencyChecks = (database: Database, idempotency: Idempotency): Check[] => [
  {
    name: 'idempotency.stuck',
    about: 'leased for longer than any request lives: its retries are told that it is being worked on',
    find: () =>
      find(
        database,
        `outcome IS NULL AND leased_until > now() + interval '10 minutes'`,
        `'leased until ' || leased_until`,
      ),
    // The next retry goes on with what was begun, as after a crash.
    fix: async () => {
      await database.query(
        `UPDATE idempotency.keys SET leased_until = now() WHERE outcome IS NULL AND leased_until > now() + interval '10 minutes'`,
      );
    },
  },
  {
    name: 'idempotency.unpurged',
    about: 'past its time for an hour: does idempotency.purge run?',
    find: () =>
      find(database, `expires_at < now() - interval '1 hour'`, `'expired ' || date_trunc('second', expires_at)`),
    fix: async () => {
      while ((await idempotency.purge(database)) > 0);
    },
  },
];

/** What it made is its name here: a key is the client's secret. */
async function find(database: Database, condition: string, detail: string): Promise<Finding[]> {
  const { rows } = await database.query<Finding>(
    `SELECT coalesce(resource_id::text, left(encode(sha256(convert_to(scope || ' ' || key, 'UTF8')), 'hex'), 12)) AS subject, ${detail} AS detail
     FROM idempotency.keys WHERE ${condition} ORDER BY expires_at LIMIT ${FINDINGS_MAX}`,
  );
  return rows;
}
