// Logins as rows of users.sessions; every comparison of time is the database's.
import type { Connection } from '../../shared/database/database.ts';
import { LAST_ID } from '../../shared/domain/ids.ts';
import type { Session, SessionState } from './session.ts';

/** The user of a live session. */
export type Caller = { userId: string; role: string };

/** `passwordHash` is the one that the password given was checked against. */
type NewSession = {
  id: string;
  userId: string;
  passwordHash: string;
  tokenHash: Buffer;
  ttlMs: number;
  address: string | null;
};
type Rotation = { id: string; tokenHash: Buffer; nextTokenHash: Buffer; ttlMs: number; address: string | null };
type Own = { id: string; userId: string };
type Presented = { id: string; tokenHash: Buffer; graceMs: number };

const isLive = `session.revoked_at IS NULL AND session.expires_at > now() AND owner.status = 'active'`;

export class SessionRepository {
  /**
   * With its audit entry in one statement. The account's row is locked against a change of password: either that waits
   * and ends this session too, or this waits and opens none.
   * @returns false when the password is no longer this one, or the account was disabled
   */
  async open(
    connection: Connection,
    { id, userId, passwordHash, tokenHash, ttlMs, address }: NewSession,
    auditEntry: object | null,
  ): Promise<boolean> {
    const { rowCount } = await connection.query(
      `WITH owner AS (
         SELECT id FROM users.users WHERE id = $2 AND password_hash = $3 AND status = 'active' FOR SHARE
       ), opened AS (
         INSERT INTO users.sessions (id, user_id, token_hash, expires_at, address)
         SELECT $1, owner.id, $4, now() + $5 * interval '1 ms', $6 FROM owner RETURNING id
       ) SELECT audit.record($7) FROM opened`,
      [id, userId, passwordHash, tokenHash, ttlMs, address, auditEntry],
    );
    return rowCount === 1;
  }

  /** Compare and swap: of those who come with one token at once, one gets a row. @returns its user's id */
  async rotate(
    connection: Connection,
    { id, tokenHash, nextTokenHash, ttlMs, address }: Rotation,
  ): Promise<string | null> {
    const { rows } = await connection.query<{ userId: string }>(
      `UPDATE users.sessions AS session
       SET previous_token_hash = token_hash, token_hash = $3, generation = generation + 1,
           rotated_at = now(), expires_at = now() + $4 * interval '1 ms', address = $5
       FROM users.users AS owner
       WHERE session.id = $1 AND session.token_hash = $2 AND owner.id = session.user_id AND ${isLive}
       RETURNING session.user_id AS "userId"`,
      [id, tokenHash, nextTokenHash, ttlMs, address],
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

  /** Newest first: those that can still be carried on. */
  async listLive(
    connection: Connection,
    { userId, beforeId, limit }: { userId: string; beforeId: string | null; limit: number },
  ): Promise<Session[]> {
    const { rows } = await connection.query<Session>(
      `SELECT id, created_at AS "createdAt", rotated_at AS "lastUsedAt", address FROM users.sessions
       WHERE user_id = $1 AND revoked_at IS NULL AND expires_at > now() AND id < $2
       ORDER BY id DESC LIMIT $3`,
      [userId, beforeId ?? LAST_ID, limit],
    );
    return rows;
  }

  /** @returns false when this user has no such session, or it has ended already */
  async revoke(connection: Connection, { id, userId }: Own): Promise<boolean> {
    const { rowCount } = await connection.query(
      `UPDATE users.sessions SET revoked_at = now()
       WHERE id = $1 AND user_id = $2 AND revoked_at IS NULL AND expires_at > now()`,
      [id, userId],
    );
    return rowCount === 1;
  }

  async revokeAll(connection: Connection, userId: string): Promise<void> {
    await connection.query('UPDATE users.sessions SET revoked_at = now() WHERE user_id = $1 AND revoked_at IS NULL', [
      userId,
    ]);
  }

  /** Ended more than a week ago: until then a reused token can still be told from a forged one. @returns how many */
  async deleteEnded(connection: Connection, countMax: number): Promise<number> {
    const { rowCount } = await connection.query(
      `DELETE FROM users.sessions WHERE ctid = ANY (ARRAY(
         (SELECT ctid FROM users.sessions WHERE expires_at < now() - interval '7 days' ORDER BY expires_at LIMIT $1)
         UNION
         (SELECT ctid FROM users.sessions WHERE revoked_at < now() - interval '7 days' ORDER BY revoked_at LIMIT $1)
         LIMIT $1))`,
      [countMax],
    );
    return rowCount;
  }
}
