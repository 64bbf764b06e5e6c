// API keys: made and revoked by admins.
import type { Database } from '../../shared/database/database.ts';
import type { Audit } from '../../shared/domain/audit.ts';
import { newId } from '../../shared/domain/ids.ts';
import { decodeCursor, toPage, type Page } from '../../shared/domain/page.ts';
import { notFound, unprocessable } from '../../shared/errors/app-error.ts';
import type { Actor } from '../../shared/http/actor.ts';
import { isUuid, PAGE_LIMIT_DEFAULT } from '../../shared/http/schemas.ts';
import { newSecret, prefixOf, secretHashOf } from './api-key.ts';
import type { ApiKeyRepository } from './api-key.repository.ts';
import type { CreateApiKey, ListApiKeys } from './api-key.validation.ts';
import { presentApiKey, type ApiKeyView, type NewApiKeyView } from './api-key.view.ts';
import { apiKeyScopes } from './roles.ts';
import type { TokenVerifier } from './token-verifier.ts';

type Needs = { database: Database; audit: Audit; apiKeys: ApiKeyRepository; verifier: TokenVerifier };

export class ApiKeyService {
  private readonly needs: Needs;

  constructor(needs: Needs) {
    this.needs = needs;
  }

  /** The only answer that holds the secret. @throws unprocessable `expiry_passed` */
  create(actor: Actor, { name, scopes, expiresAt }: CreateApiKey): Promise<NewApiKeyView> {
    const { database, audit, apiKeys } = this.needs;
    const secret = newSecret();
    const key = {
      id: newId(),
      name,
      prefix: prefixOf(secret),
      secretHash: secretHashOf(secret),
      scopes: apiKeyScopes.filter((scope) => scopes.includes(scope)),
      createdBy: actor.userId,
      expiresAt: expiresAt ?? null,
    };
    return database.transaction(async (tx) => {
      const inserted = await apiKeys.insert(tx, key);
      if (inserted === null) throw expiryPassed();
      const view = presentApiKey(inserted);
      await audit.record(tx, { actor, action: 'api_key.created', subject: subjectOf(view), after: view });
      return { ...view, secret };
    });
  }

  /** @throws malformed `cursor_invalid` */
  async list({ limit = PAGE_LIMIT_DEFAULT, cursor }: ListApiKeys): Promise<Page<ApiKeyView>> {
    const { database, apiKeys } = this.needs;
    const [beforeId = null] = cursor === undefined ? [] : decodeCursor(cursor, [isUuid]);
    const rows = await apiKeys.list(database, { beforeId, limit: limit + 1 });
    const { items, nextCursor } = toPage(rows, limit, ({ id }) => [id]);
    return { items: items.map(presentApiKey), nextCursor };
  }

  /** @throws notFound `api_key_not_found` */
  async get(id: string): Promise<ApiKeyView> {
    const key = await this.needs.apiKeys.find(this.needs.database, id);
    if (key === null) throw notFound('api_key_not_found', 'There is no such API key.');
    return presentApiKey(key);
  }

  /** Twice is as good as once. @throws notFound `api_key_not_found` */
  async revoke(actor: Actor, id: string): Promise<void> {
    const { database, audit, apiKeys, verifier } = this.needs;
    const isRevoked = await database.transaction(async (tx) => {
      const revoked = await apiKeys.revoke(tx, id);
      if (revoked === null) return false;
      const after = presentApiKey(revoked);
      await audit.record(tx, { actor, action: 'api_key.revoked', subject: subjectOf(after), after });
      tx.afterCommit(() => verifier.forgetKey(revoked.secretHash));
      return true;
    });
    if (!isRevoked) await this.get(id);
  }
}

const subjectOf = ({ id }: ApiKeyView) => ({ type: 'api_key', id });

const expiryPassed = () => unprocessable('expiry_passed', 'expiresAt is not in the future.');
