// Logins as rows of users.sessions; every comparison of time is the database's.
import type { Connection } from '../../shared/database/database.ts';
import type { SessionState } from './session.ts';

/** The user of a live session. */
export type Caller = { userId: string; role: string };

type NewSession = { id: string; userId: string; tokenHash: Buffer; ttlMs: number };
type Rotation = { id: string; tokenHash: Buffer; nextTokenHash: Buffer; ttlMs: number };
type Presented = { id: string; tokenHash: Buffer; graceMs: number };

const isLive = `session.revoked_at IS NULL AND session.expires_at > now() AND owner.status = 'active'`;

export class SessionRepository {
  async insert(connection: Connection, { id, userId, tokenHash, ttlMs }: NewSession): Promise<void> {
    await connection.query(
      `INSERT INTO users.sessions (id, user_id, token_hash, expires_at) VALUES ($1, $2, $3, now() + $4 * interval '1 ms')`,
      [id, userId, tokenHash, ttlMs],
    );
  }

  /** Compare and swap: of those who come with one token at once, one gets a row. @returns its user's id */
  async rotate(connection: Connection, { id, tokenHash, nextTokenHash, ttlMs }: Rotation): Promise<string | null> {
    const { rows } = await connection.query<{ userId: string }>(
      `UPDATE users.sessions AS session
       SET previous_token_hash = token_hash, token_hash = $3, generation = generation + 1,
           rotated_at = now(), expires_at = now() + $4 * interval '1 ms'
       FROM users.users AS owner
       WHERE session.id = $1 AND session.token_hash = $2 AND owner.id = session.user_id AND ${isLive}
       RETURNING session.user_id AS "userId"`,
      [id, tokenHash, nextTokenHash, ttlMs],
    );
    return rows[0]?.userId ?? null;
  }

  async findState(connection: Connection, { id, tokenHash, graceMs }: Presented): Promise<SessionState | null> {
    const { rows } = await connection.query<SessionState>(
      `SELECT session.user_id AS "userId", session.generation, ${isLive} AS "isLive",
              session.previous_token_hash IS NOT DISTINCT FROM $2 AS "isPrevious",
              session.rotated_at + $3 * interval '1 ms' > now() AS "isWithinGrace"
       FROM users.sessions AS session JOIN users.users AS owner ON owner.id = session.user_id
       WHERE session.id = $1`,
      [id, tokenHash, graceMs],
    );
    return rows[0] ?? null;
  }

  async findCaller(connection: Connection, id: string): Promise<Caller | null> {
    const { rows } = await connection.query<Caller>(
      `SELECT owner.id AS "userId", owner.role
       FROM users.sessions AS session JOIN users.users AS owner ON owner.id = session.user_id
       WHERE session.id = $1 AND ${isLive}`,
      [id],
    );
    return rows[0] ?? null;
  }

  async revoke(connection: Connection, id: string): Promise<void> {
    await connection.query('UPDATE users.sessions SET revoked_at = now() WHERE id = $1 AND revoked_at IS NULL', [id]);
  }

  /** Ended more than a week ago: until then a reused token can still be told from a forged one. @returns how many */
  async deleteEnded(connection: Connection, countMax: number): Promise<number> {
    const { rowCount } = await connection.query(
      `DELETE FROM users.sessions WHERE id IN
         (SELECT id FROM users.sessions
          WHERE expires_at < now() - interval '7 days' OR revoked_at < now() - interval '7 days' LIMIT $1)`,
      [countMax],
    );
    return rowCount;
  }
}
