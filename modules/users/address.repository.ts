// Addresses as rows of users.addresses; every statement names their owner, so that nobody reaches another's.
import type { Connection } from '../../shared/database/database.ts';
import { LAST_ID } from '../../shared/domain/ids.ts';
import { ADDRESSES_MAX, type Address, type PostalAddress } from './address.ts';

type Own = { id: string; userId: string };

const columns = `id, name, line1, line2, city, region, postal_code AS "postalCode", country, created_at AS "createdAt",
  updated_at AS "updatedAt", version`;

const valuesOf = ({ name, line1, line2, city, region, postalCode, country }: PostalAddress): unknown[] => [
  name,
  line1,
  line2,
  city,
  region,
  postalCode,
  country,
];

export class AddressRepository {
  /**
   * Who adds an address at the same moment waits: rows that are not there yet cannot be counted.
   * @returns false when the account was deleted or disabled meanwhile
   */
  async lockOwner(connection: Connection, userId: string): Promise<boolean> {
    const { rowCount } = await connection.query(
      `SELECT FROM users.users WHERE id = $1 AND status = 'active' FOR NO KEY UPDATE`,
      [userId],
    );
    return rowCount === 1;
  }

  /** @returns null when the account has as many as it may */
  async insert(connection: Connection, { id, userId }: Own, address: PostalAddress): Promise<Address | null> {
    const { rows } = await connection.query<Address>(
      `INSERT INTO users.addresses (id, user_id, name, line1, line2, city, region, postal_code, country)
       SELECT $1, $2, $4, $5, $6, $7, $8, $9, $10
       WHERE (SELECT count(*) FROM users.addresses WHERE user_id = $2) < $3 RETURNING ${columns}`,
      [id, userId, ADDRESSES_MAX, ...valuesOf(address)],
    );
    return rows[0] ?? null;
  }

  /** Newest first. */
  async list(
    connection: Connection,
    { userId, beforeId, limit }: { userId: string; beforeId: string | null; limit: number },
  ): Promise<Address[]> {
    const { rows } = await connection.query<Address>(
      `SELECT ${columns} FROM users.addresses WHERE user_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3`,
      [userId, beforeId ?? LAST_ID, limit],
    );
    return rows;
  }

  async find(connection: Connection, { id, userId }: Own): Promise<Address | null> {
    const { rows } = await connection.query<Address>(
      `SELECT ${columns} FROM users.addresses WHERE id = $1 AND user_id = $2`,
      [id, userId],
    );
    return rows[0] ?? null;
  }

  async lock(connection: Connection, { id, userId }: Own): Promise<Address | null> {
    const { rows } = await connection.query<Address>(
      `SELECT ${columns} FROM users.addresses WHERE id = $1 AND user_id = $2 FOR UPDATE`,
      [id, userId],
    );
    return rows[0] ?? null;
  }

  async update(connection: Connection, { id, userId }: Own, address: PostalAddress): Promise<Address | null> {
    const { rows } = await connection.query<Address>(
      `UPDATE users.addresses SET name = $3, line1 = $4, line2 = $5, city = $6, region = $7, postal_code = $8, country = $9,
         updated_at = now(), version = version + 1
       WHERE id = $1 AND user_id = $2 RETURNING ${columns}`,
      [id, userId, ...valuesOf(address)],
    );
    return rows[0] ?? null;
  }

  async delete(connection: Connection, { id, userId }: Own): Promise<void> {
    await connection.query('DELETE FROM users.addresses WHERE id = $1 AND user_id = $2', [id, userId]);
  }
}
