// Attempts counted in users.attempts; every comparison of time is the database's.
import type { Connection } from '../../shared/database/database.ts';
import type { Hits } from '../../shared/limits/hit-counter.ts';

export class AttemptRepository {
  /** Counts one more; a window that has ended begins anew. */
  async count(connection: Connection, key: string, windowMs: number): Promise<Hits> {
    const { rows } = await connection.query<Hits>(
      `INSERT INTO users.attempts AS known (key, count, resets_at) VALUES ($1, 1, now() + $2 * interval '1 ms')
       ON CONFLICT (key) DO UPDATE SET
         count = CASE WHEN known.resets_at > now() THEN known.count + 1 ELSE 1 END,
         resets_at = CASE WHEN known.resets_at > now() THEN known.resets_at ELSE excluded.resets_at END
       RETURNING count, (extract(epoch FROM resets_at - now()) * 1000)::float AS "resetMs"`,
      [key, windowMs],
    );
    const [hits] = rows;
    if (hits === undefined) throw new Error('an attempt was not counted');
    return hits;
  }

  /** @returns how many windows that have ended are gone */
  async deleteEnded(connection: Connection, countMax: number): Promise<number> {
    const { rowCount } = await connection.query(
      `DELETE FROM users.attempts WHERE ctid = ANY (ARRAY(
         SELECT ctid FROM users.attempts WHERE resets_at < now() ORDER BY resets_at LIMIT $1 FOR UPDATE SKIP LOCKED))`,
      [countMax],
    );
    return rowCount;
  }
}
