// What an entry looks like from outside.
import { z } from 'zod';
import { timestamp } from '../../shared/http/schemas.ts';
import type { EntryRow } from './audit.repository.ts';

export const auditEntryView = z
  .object({
    id: z.uuid(),
    happenedAt: timestamp,
    actorType: z.enum(['user', 'api_key']).nullable(),
    actorId: z.uuid().nullable(),
    role: z.string().nullable(),
    action: z.string().meta({ examples: ['product.updated'] }),
    subjectType: z.string().meta({ examples: ['product'] }),
    subjectId: z.uuid().nullable(),
    before: z.looseObject({}).nullable(),
    after: z.looseObject({}).nullable(),
    address: z.string().nullable(),
    requestId: z.string().nullable(),
  })
  .meta({ id: 'AuditEntry' });

export type AuditEntryView = z.input<typeof auditEntryView>;

export const presentEntry = ({ before, after, ...row }: EntryRow): AuditEntryView => ({
  id: row.id,
  happenedAt: row.happenedAt.toISOString(),
  actorType: row.actorType,
  actorId: row.actorId,
  role: row.role,
  action: row.action,
  subjectType: row.subjectType,
  subjectId: row.subjectId,
  before: before as AuditEntryView['before'],
  after: after as AuditEntryView['after'],
  address: row.address,
  requestId: row.requestId,
});
