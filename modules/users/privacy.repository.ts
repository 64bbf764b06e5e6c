// An account as it is held while it is deleted, and what is left of it.
import type { Connection } from '../../shared/database/database.ts';
import type { Role } from './roles.ts';

type Held = { role: Role; version: number };

export class PrivacyRepository {
  /** FOR UPDATE: whoever places an order or opens a session for this account waits, and then finds none. */
  async lock(connection: Connection, id: string): Promise<Held | null> {
    const { rows } = await connection.query<Held>(
      `SELECT role, version FROM users.users WHERE id = $1 AND status = 'active' FOR UPDATE`,
      [id],
    );
    return rows[0] ?? null;
  }

  /** The address is free for another account; .invalid belongs to nobody (RFC 2606). */
  async erase(connection: Connection, id: string): Promise<void> {
    await connection.query(
      `UPDATE users.users SET status = 'deleted', email = id || '@deleted.invalid', name = 'Deleted account',
         password_hash = NULL, email_verified_at = NULL, updated_at = now(), version = version + 1
       WHERE id = $1`,
      [id],
    );
    await connection.query('DELETE FROM users.sessions WHERE user_id = $1', [id]);
    await connection.query('DELETE FROM users.addresses WHERE user_id = $1', [id]);
    await connection.query('DELETE FROM users.one_time_tokens WHERE user_id = $1', [id]);
  }
}
