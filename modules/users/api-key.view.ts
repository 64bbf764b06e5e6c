// How an API key goes out: the key itself once, when it is made.
import { z } from 'zod';
import { timestamp } from '../../shared/http/schemas.ts';
import type { ApiKey } from './api-key.ts';

export const apiKeySchema = z
  .object({
    id: z.uuid().meta({ description: 'Also who did it, in the audit trail and on orders' }),
    name: z.string(),
    prefix: z.string().meta({ description: 'The first characters of the key', examples: ['wb_Zk3xQp'] }),
    scopes: z.array(z.string()),
    createdBy: z.uuid(),
    createdAt: timestamp,
    expiresAt: timestamp.nullable(),
    revokedAt: timestamp.nullable(),
    lastUsedAt: timestamp.nullable().meta({ description: 'To the minute' }),
  })
  .meta({ id: 'ApiKey', description: 'A key for a program' });

export const newApiKeySchema = apiKeySchema
  .extend({ secret: z.string().meta({ description: 'The key: shown this once, goes into `Authorization: Bearer …`' }) })
  .meta({ id: 'NewApiKey', description: 'A key that was just made' });

export type ApiKeyView = z.output<typeof apiKeySchema>;
export type NewApiKeyView = z.output<typeof newApiKeySchema>;

export const presentApiKey = (key: ApiKey): ApiKeyView => ({
  id: key.id,
  name: key.name,
  prefix: key.prefix,
  scopes: key.scopes,
  createdBy: key.createdBy,
  createdAt: key.createdAt.toISOString(),
  expiresAt: key.expiresAt?.toISOString() ?? null,
  revokedAt: key.revokedAt?.toISOString() ?? null,
  lastUsedAt: key.lastUsedAt?.toISOString() ?? null,
});
