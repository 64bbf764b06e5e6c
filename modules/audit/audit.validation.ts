// What may come in about the audit trail, and what goes out; OpenAPI is derived from it.
import { z } from 'zod';
import type { Operation } from '../../shared/http/route.ts';
import { id, pageQuery } from '../../shared/http/schemas.ts';
import { auditEntryView } from './audit.view.ts';

const filter = z.strictObject({
  ...pageQuery,
  actorId: id.optional().meta({ description: 'Who did it: an account or an API key' }),
  action: z
    .string()
    .regex(/^[a-z_]+\.[a-z_]+$/, { error: 'As in product.updated.' })
    .max(64)
    .optional()
    .meta({ description: 'What was done', examples: ['product.updated'] }),
  subjectId: id.optional().meta({ description: 'To what it was done' }),
  requestId: z
    .string()
    .regex(/^[\w.-]{1,128}$/, { error: '1 to 128 of letters, digits, underscore, dot and hyphen.' })
    .optional()
    .meta({ description: 'By which request: its X-Request-Id', examples: ['01939d3a-7c1e-7b1a-8f00-000000000001'] }),
});

export type ListAuditEntries = z.output<typeof filter>;

export const listAuditEntries = {
  operationId: 'listAuditEntries',
  summary: 'Who did what, newest first',
  description:
    'Every write by staff or by an API key, and every event of authentication. Secrets and personal data are blacked out.',
  query: filter,
  answers: { 200: [auditEntryView] },
  problems: { 400: ['cursor_invalid'] },
} satisfies Operation;
