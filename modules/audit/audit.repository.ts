// SQL of the audit trail.
import type { Connection } from '../../shared/database/database.ts';
import type { Audit } from '../../shared/domain/audit.ts';

export type EntryRow = {
  id: string;
  happenedAt: Date;
  actorType: 'user' | 'api_key' | null;
  actorId: string | null;
  role: string | null;
  action: string;
  subjectType: string;
  subjectId: string | null;
  before: unknown;
  after: unknown;
  address: string | null;
  requestId: string | null;
};

type Filter = {
  actorId?: string | undefined;
  action?: string | undefined;
  subjectId?: string | undefined;
  requestId?: string | undefined;
  beforeId: string | null;
  limit: number;
};

/** By the function that this module offers to all: the transaction is another module's. */
export async function recordEntry(tx: Parameters<Audit['record']>[0], entry: object): Promise<void> {
  await tx.query('SELECT audit.record($1)', [JSON.stringify(entry)]);
}

export async function findEntries(connection: Connection, filter: Filter): Promise<EntryRow[]> {
  const { actorId, action, subjectId, requestId, beforeId, limit } = filter;
  const values: unknown[] = [];
  const when = (value: unknown, condition: (place: string) => string) =>
    value === undefined || value === null ? [] : [condition(`$${values.push(value)}`)];
  const conditions = [
    ...when(actorId, (place) => `actor_id = ${place}`),
    ...when(action, (place) => `action = ${place}`),
    ...when(subjectId, (place) => `subject_id = ${place}`),
    ...when(requestId, (place) => `request_id = ${place}`),
    ...when(beforeId, (place) => `id < ${place}`),
  ];
  const where = conditions.length > 0 ? `WHERE ${conditions.join(' AND ')}` : '';
  const { rows } = await connection.query<EntryRow>(
    `SELECT id, happened_at AS "happenedAt", actor_type AS "actorType", actor_id AS "actorId", role, action,
       subject_type AS "subjectType", subject_id AS "subjectId", before, after, address, request_id AS "requestId"
     FROM audit.entries ${where} ORDER BY id DESC LIMIT $${values.push(limit)}`,
    values,
  );
  return rows;
}
