// From a bearer token to the caller: the token says which session or key, the database says who that is and what they may do.
import type { Caches } from '../../shared/cache/caches.ts';
import type { Remembered } from '../../shared/cache/remembered.ts';
import type { Database } from '../../shared/database/database.ts';
import type { Actor, VerifyToken } from '../../shared/http/actor.ts';
import { tokenInvalid, type AccessTokens } from './access-tokens.ts';
import { isMarkedAsKey, isWellFormedKey, secretHashOf } from './api-key.ts';
import type { ApiKeyRepository, KeyCaller } from './api-key.repository.ts';
import { permissionsOf, permissionsOfKey } from './roles.ts';
import type { Caller, SessionRepository } from './session.repository.ts';

type Needs = {
  database: Database;
  sessions: Pick<SessionRepository, 'findCaller'>;
  apiKeys: Pick<ApiKeyRepository, 'findCaller'>;
  accessTokens: AccessTokens;
  caches: Caches;
};

/** For so long a logout, a new role, a disabled account or a revoked key may go unnoticed by other processes. */
const A_SECOND = { max: 5000, ttlMs: 1000 };

export class TokenVerifier {
  private readonly needs: Needs;
  private readonly callers: Remembered<Caller | null>;
  /** Apart, so that made-up keys crowd out no session. */
  private readonly keyCallers: Remembered<KeyCaller | null>;

  constructor(needs: Needs) {
    this.needs = needs;
    this.callers = needs.caches.make({ name: 'sessions', ...A_SECOND });
    this.keyCallers = needs.caches.make({ name: 'api_keys', ...A_SECOND });
  }

  /** @throws unauthenticated `token_invalid`, `token_expired` */
  readonly verify: VerifyToken = (token) => (isMarkedAsKey(token) ? this.verifyKey(token) : this.verifySession(token));

  /** Once the end of a session is committed: this process heeds it at once, others within a second. */
  forget(sessionId: string): void {
    this.callers.forget(sessionId);
  }

  /** Once something is committed that concerns several sessions: each is looked up again, which costs a read apiece. */
  forgetAll(): void {
    this.callers.forgetAll();
  }

  /** Once the end of a key is committed. */
  forgetKey(secretHash: Buffer): void {
    this.keyCallers.forget(rememberedAs(secretHash));
  }

  private async verifySession(token: string): Promise<Actor> {
    const { database, sessions, accessTokens } = this.needs;
    const { userId, sessionId } = await accessTokens.read(token);
    const caller = await this.callers.find(sessionId, () => sessions.findCaller(database, sessionId));
    if (caller === null || caller.userId !== userId) throw tokenInvalid();
    return { kind: 'user', userId, sessionId, role: caller.role, permissions: permissionsOf(caller.role) };
  }

  private async verifyKey(secret: string): Promise<Actor> {
    const { database, apiKeys } = this.needs;
    if (!isWellFormedKey(secret)) throw tokenInvalid();
    const hash = secretHashOf(secret);
    const key = await this.keyCallers.find(rememberedAs(hash), () => apiKeys.findCaller(database, hash));
    if (key === null) throw tokenInvalid();
    const permissions = permissionsOfKey(key.scopes);
    return { kind: 'api_key', userId: key.id, sessionId: null, role: 'api_key', permissions };
  }
}

const rememberedAs = (secretHash: Buffer): string => secretHash.toString('base64');
