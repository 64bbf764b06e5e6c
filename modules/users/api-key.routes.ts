// The API of API keys at a glance.
import { route, type Route } from '../../shared/http/route.ts';
import type { ApiKeyController } from './api-key.controller.ts';
import { createApiKey, getApiKey, listApiKeys, revokeApiKey } from './api-key.validation.ts';

export const apiKeyRoutes = (keys: ApiKeyController): Route[] => [
  route('post', '/api-keys', ['api-keys:write'], createApiKey, keys.postKey),
  route('get', '/api-keys', ['api-keys:write'], listApiKeys, keys.getKeys),
  route('get', '/api-keys/{id}', ['api-keys:write'], getApiKey, keys.getKey),
  route('delete', '/api-keys/{id}', ['api-keys:write'], revokeApiKey, keys.deleteKey),
];
