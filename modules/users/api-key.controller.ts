// API keys over HTTP.
import { created, noContent, ok, okPage } from '../../shared/http/reply.ts';
import type { Handler } from '../../shared/http/route.ts';
import type { ApiKeyService } from './api-key.service.ts';
import type { createApiKey, getApiKey, listApiKeys, revokeApiKey } from './api-key.validation.ts';

export class ApiKeyController {
  private readonly keys: ApiKeyService;

  constructor(keys: ApiKeyService) {
    this.keys = keys;
  }

  readonly postKey: Handler<typeof createApiKey> = async ({ actor, body }) => {
    const key = await this.keys.create(actor, body);
    return created(key, `/api-keys/${key.id}`);
  };

  readonly getKeys: Handler<typeof listApiKeys> = async ({ query }) => okPage(await this.keys.list(query));

  readonly getKey: Handler<typeof getApiKey> = async ({ params }) => ok(await this.keys.get(params.id));

  readonly deleteKey: Handler<typeof revokeApiKey> = async ({ actor, params }) => {
    await this.keys.revoke(actor, params.id);
    return noContent();
  };
}
