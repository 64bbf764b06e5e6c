// Accounts as staff look for them and change them.
import type { Connection } from '../../shared/database/database.ts';
import type { ManagedUser, Standing } from './managed-user.ts';

const columns = `id, email, email_verified_at IS NOT NULL AS "emailVerified", name, role, status,
  created_at AS "createdAt", updated_at AS "updatedAt", version`;

type Filter = {
  email?: string | undefined;
  role?: string | undefined;
  status?: string | undefined;
  beforeId: string | null;
  limit: number;
};

export class ManagedUserRepository {
  async find(connection: Connection, id: string): Promise<ManagedUser | null> {
    const { rows } = await connection.query<ManagedUser>(`SELECT ${columns} FROM users.users WHERE id = $1`, [id]);
    return rows[0] ?? null;
  }

  async lock(connection: Connection, id: string): Promise<ManagedUser | null> {
    const { rows } = await connection.query<ManagedUser>(
      `SELECT ${columns} FROM users.users WHERE id = $1 FOR NO KEY UPDATE`,
      [id],
    );
    return rows[0] ?? null;
  }

  /** Newest first. A text per set of filters, so that each has its own plan and index. */
  async list(connection: Connection, { limit, beforeId, ...by }: Filter): Promise<ManagedUser[]> {
    const values: unknown[] = [limit];
    const given = Object.entries({ 'id <': beforeId, 'email =': by.email, 'role =': by.role, 'status =': by.status });
    const conditions = given
      .filter(([, value]) => value !== undefined && value !== null)
      .map(([condition, value]) => `${condition} $${values.push(value)}`);
    const where = conditions.length > 0 ? `WHERE ${conditions.join(' AND ')}` : '';
    const { rows } = await connection.query<ManagedUser>(
      `SELECT ${columns} FROM users.users ${where} ORDER BY id DESC LIMIT $1`,
      values,
    );
    return rows;
  }

  async update(connection: Connection, id: string, { role, status }: Standing): Promise<ManagedUser | null> {
    const { rows } = await connection.query<ManagedUser>(
      `UPDATE users.users SET role = $2, status = $3, updated_at = now(), version = version + 1
       WHERE id = $1 RETURNING ${columns}`,
      [id, role, status],
    );
    return rows[0] ?? null;
  }

  async otherActiveAdminExists(connection: Connection, id: string): Promise<boolean> {
    const { rows } = await connection.query<{ found: boolean }>(
      `SELECT EXISTS (SELECT FROM users.users WHERE role = 'admin' AND status = 'active' AND id <> $1) AS found`,
      [id],
    );
    return rows[0]?.found === true;
  }
}
