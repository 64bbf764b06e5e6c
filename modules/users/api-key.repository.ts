// API keys as rows of users.api_keys; every comparison of time is the database's.
import type { Connection } from '../../shared/database/database.ts';
import { LAST_ID } from '../../shared/domain/ids.ts';
import type { ApiKey } from './api-key.ts';

/** Who calls with a live key. */
export type KeyCaller = { id: string; scopes: string[] };
export type NewApiKey = Pick<ApiKey, 'id' | 'name' | 'prefix' | 'scopes' | 'createdBy'> & {
  secretHash: Buffer;
  expiresAt: string | null;
};
type Revoked = ApiKey & { secretHash: Buffer };

const columns = `id, name, prefix, scopes, created_by AS "createdBy", created_at AS "createdAt", expires_at AS "expiresAt",
  revoked_at AS "revokedAt", last_used_at AS "lastUsedAt"`;
const isLive = `revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())`;

export class ApiKeyRepository {
  /** @returns null when it would have expired already */
  async insert(connection: Connection, key: NewApiKey): Promise<ApiKey | null> {
    const { id, name, prefix, secretHash, scopes, createdBy, expiresAt } = key;
    const { rows } = await connection.query<ApiKey>(
      `INSERT INTO users.api_keys (id, name, prefix, secret_hash, scopes, created_by, expires_at)
       SELECT $1, $2, $3, $4, $5, $6, $7 WHERE $7::timestamptz IS NULL OR $7 > now() RETURNING ${columns}`,
      [id, name, prefix, secretHash, scopes, createdBy, expiresAt],
    );
    return rows[0] ?? null;
  }

  /** Newest first, also those that are over. */
  async list(
    connection: Connection,
    { beforeId, limit }: { beforeId: string | null; limit: number },
  ): Promise<ApiKey[]> {
    const { rows } = await connection.query<ApiKey>(
      `SELECT ${columns} FROM users.api_keys WHERE id < $1 ORDER BY id DESC LIMIT $2`,
      [beforeId ?? LAST_ID, limit],
    );
    return rows;
  }

  async find(connection: Connection, id: string): Promise<ApiKey | null> {
    const { rows } = await connection.query<ApiKey>(`SELECT ${columns} FROM users.api_keys WHERE id = $1`, [id]);
    return rows[0] ?? null;
  }

  /** Notes its use at most once a minute, and never waits to do so: whoever holds the row may do without. */
  async findCaller(connection: Connection, secretHash: Buffer): Promise<KeyCaller | null> {
    const { rows } = await connection.query<KeyCaller>(
      `WITH noted AS (
         UPDATE users.api_keys SET last_used_at = now() WHERE id = (
           SELECT id FROM users.api_keys
           WHERE secret_hash = $1 AND ${isLive} AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute')
           FOR UPDATE SKIP LOCKED)
       ) SELECT id, scopes FROM users.api_keys WHERE secret_hash = $1 AND ${isLive}`,
      [secretHash],
    );
    return rows[0] ?? null;
  }

  /** @returns null when it is not there or was revoked before */
  async revoke(connection: Connection, id: string): Promise<Revoked | null> {
    const { rows } = await connection.query<Revoked>(
      `UPDATE users.api_keys SET revoked_at = now() WHERE id = $1 AND revoked_at IS NULL
       RETURNING ${columns}, secret_hash AS "secretHash"`,
      [id],
    );
    return rows[0] ?? null;
  }
}
