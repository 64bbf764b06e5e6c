// One-time tokens as rows of users.one_time_tokens; every comparison of time is the database's.
import type { Connection } from '../../shared/database/database.ts';
import type { Purpose } from './one-time-token.ts';
import type { Role } from './roles.ts';

type NewToken = { userId: string; purpose: Purpose; tokenHash: Buffer; ttlMs: number };
type Presented = { purpose: Purpose; tokenHash: Buffer };

/** Whose token it is. */
export type TokenOwner = { userId: string; email: string; role: Role };

export class OneTimeTokenRepository {
  /**
   * In the place of an older one. The account's row is locked against its deletion, which takes the tokens along.
   * @returns where to send it; null when the account is not active, or has nothing left to verify
   */
  async replace(connection: Connection, { userId, purpose, tokenHash, ttlMs }: NewToken): Promise<string | null> {
    const { rows } = await connection.query<{ email: string }>(
      `WITH owner AS (
         SELECT id, email FROM users.users
         WHERE id = $1 AND status = 'active' AND ($2 <> 'verify_email' OR email_verified_at IS NULL) FOR SHARE
       ), kept AS (
         INSERT INTO users.one_time_tokens (user_id, purpose, token_hash, expires_at)
         SELECT id, $2, $3, now() + $4 * interval '1 ms' FROM owner
         ON CONFLICT (user_id, purpose) DO UPDATE SET token_hash = excluded.token_hash, expires_at = excluded.expires_at
       ) SELECT email FROM owner`,
      [userId, purpose, tokenHash, ttlMs],
    );
    return rows[0]?.email ?? null;
  }

  async findOwner(connection: Connection, { purpose, tokenHash }: Presented): Promise<TokenOwner | null> {
    const { rows } = await connection.query<TokenOwner>(
      `SELECT owner.id AS "userId", owner.email, owner.role
       FROM users.one_time_tokens AS token JOIN users.users AS owner ON owner.id = token.user_id
       WHERE token.token_hash = $1 AND token.purpose = $2 AND token.expires_at > now() AND owner.status = 'active'`,
      [tokenHash, purpose],
    );
    return rows[0] ?? null;
  }

  /** Of those who come with one token at once, one gets true. */
  async spend(connection: Connection, { purpose, tokenHash }: Presented): Promise<boolean> {
    const { rowCount } = await connection.query(
      'DELETE FROM users.one_time_tokens WHERE token_hash = $1 AND purpose = $2 AND expires_at > now()',
      [tokenHash, purpose],
    );
    return rowCount === 1;
  }

  /** @returns how many */
  async deleteExpired(connection: Connection, countMax: number): Promise<number> {
    const { rowCount } = await connection.query(
      `DELETE FROM users.one_time_tokens WHERE ctid = ANY (ARRAY(
         SELECT ctid FROM users.one_time_tokens WHERE expires_at <= now() ORDER BY expires_at LIMIT $1))`,
      [countMax],
    );
    return rowCount;
  }
}
