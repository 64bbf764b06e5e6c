// Accounts as rows of users.users.
import type { Connection } from '../../shared/database/database.ts';
import type { Credentials, NewUser, User } from './user.ts';

const credentials = `id AS "userId", email, role, password_hash AS "passwordHash", status = 'active' AS "isActive"`;
const columns =
  'id, email, name, role, email_verified_at IS NOT NULL AS "emailVerified", created_at AS "createdAt", version';

/** Any number, the same in every process: the key of an advisory lock. */
const STAFF_LOCK_KEY = 5_480_217_633;

export class UserRepository {
  /** @returns null when the e-mail is taken */
  async insert(connection: Connection, { id, email, name, passwordHash, role }: NewUser): Promise<User | null> {
    const { rows } = await connection.query<User>(
      `INSERT INTO users.users (id, email, name, password_hash, role) VALUES ($1, $2, $3, $4, $5)
       ON CONFLICT (email) DO NOTHING RETURNING ${columns}`,
      [id, email, name, passwordHash, role],
    );
    return rows[0] ?? null;
  }

  async find(connection: Connection, id: string): Promise<User | null> {
    const { rows } = await connection.query<User>(`SELECT ${columns} FROM users.users WHERE id = $1`, [id]);
    return rows[0] ?? null;
  }

  async findCredentials(connection: Connection, email: string): Promise<Credentials | null> {
    const { rows } = await connection.query<Credentials>(
      `SELECT ${credentials} FROM users.users WHERE email = $1 AND status <> 'deleted'`,
      [email],
    );
    return rows[0] ?? null;
  }

  async findCredentialsOf(connection: Connection, id: string): Promise<Credentials | null> {
    const { rows } = await connection.query<Credentials>(`SELECT ${credentials} FROM users.users WHERE id = $1`, [id]);
    return rows[0] ?? null;
  }

  /** Compare and swap. @returns false when the password is no longer the one that was checked */
  async replacePassword(connection: Connection, { userId, passwordHash }: Credentials, next: string): Promise<boolean> {
    const { rowCount } = await connection.query(
      `UPDATE users.users SET password_hash = $3, updated_at = now()
       WHERE id = $1 AND password_hash = $2 AND status = 'active'`,
      [userId, passwordHash, next],
    );
    return rowCount === 1;
  }

  /** @returns null when `version` is no longer the row's */
  async updateName(connection: Connection, id: string, version: number, name: string): Promise<User | null> {
    const { rows } = await connection.query<User>(
      `UPDATE users.users SET name = $3, updated_at = now(), version = version + 1
       WHERE id = $1 AND version = $2 RETURNING ${columns}`,
      [id, version, name],
    );
    return rows[0] ?? null;
  }

  /** The first time counts. */
  async markEmailVerified(connection: Connection, id: string): Promise<void> {
    await connection.query(
      `UPDATE users.users SET email_verified_at = now(), updated_at = now(), version = version + 1
       WHERE id = $1 AND email_verified_at IS NULL`,
      [id],
    );
  }

  /** @returns false when there is no such active account */
  async setPassword(connection: Connection, id: string, passwordHash: string): Promise<boolean> {
    const { rowCount } = await connection.query(
      `UPDATE users.users SET password_hash = $2, updated_at = now() WHERE id = $1 AND status = 'active'`,
      [id, passwordHash],
    );
    return rowCount === 1;
  }

  async isActive(connection: Connection, id: string): Promise<boolean> {
    const { rowCount } = await connection.query(`SELECT FROM users.users WHERE id = $1 AND status = 'active'`, [id]);
    return rowCount === 1;
  }

  async staffExists(connection: Connection): Promise<boolean> {
    const { rows } = await connection.query<{ found: boolean }>(
      `SELECT EXISTS (SELECT FROM users.users WHERE role <> 'customer') AS found`,
    );
    return rows[0]?.found === true;
  }

  /** Until the transaction ends: a row that is not there yet cannot be locked. */
  async lockStaff(connection: Connection): Promise<void> {
    await connection.query('SELECT pg_advisory_xact_lock($1)', [STAFF_LOCK_KEY]);
  }
}
