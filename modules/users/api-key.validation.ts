// What may come in about API keys.
import { z } from 'zod';
import type { Operation } from '../../shared/http/route.ts';
import { idParams, instant, pageQuery, text } from '../../shared/http/schemas.ts';
import { apiKeySchema, newApiKeySchema } from './api-key.view.ts';
import { apiKeyScopes } from './roles.ts';

/** A schema that transforms keeps its examples as an override only. */
const examples = [{ name: 'Warehouse scanner', scopes: ['stock:read', 'stock:adjust'] }];

const newApiKey = z
  .strictObject({
    name: text(100).meta({ description: 'What it is for', examples: ['Warehouse scanner'] }),
    scopes: z.array(z.enum(apiKeyScopes)).min(1).max(apiKeyScopes.length).meta({ description: 'What it may do' }),
    expiresAt: instant.optional().meta({
      description: 'Without it the key is good until it is revoked',
      override: { examples: ['2099-01-01T00:00:00Z'] },
    }),
  })
  .meta({ id: 'ApiKeyRequest', override: { examples } });

const listQuery = z.strictObject(pageQuery);

export type CreateApiKey = z.output<typeof newApiKey>;
export type ListApiKeys = z.output<typeof listQuery>;

export const createApiKey = {
  operationId: 'createApiKey',
  summary: 'Make a key for a program',
  description:
    'The secret is in this answer and never again. A key stands for itself: what it does is recorded under its id, whoever made it.',
  body: newApiKey,
  answers: { 201: newApiKeySchema },
  problems: { 422: ['expiry_passed'] },
} satisfies Operation;

export const listApiKeys = {
  operationId: 'listApiKeys',
  summary: 'Keys, newest first, also those that are revoked or expired',
  query: listQuery,
  answers: { 200: [apiKeySchema] },
} satisfies Operation;

export const getApiKey = {
  operationId: 'getApiKey',
  summary: 'One key',
  params: idParams,
  answers: { 200: apiKeySchema },
  problems: { 404: ['api_key_not_found'] },
} satisfies Operation;

export const revokeApiKey = {
  operationId: 'revokeApiKey',
  summary: 'Revoke a key, for good',
  description: 'Takes effect within a second. It stays in the list. Revoking it twice is as good as once.',
  params: idParams,
  answers: { 204: null },
  problems: { 404: ['api_key_not_found'] },
} satisfies Operation;
