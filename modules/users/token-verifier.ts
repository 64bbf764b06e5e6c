// From a bearer token to the caller: the token says which session, the database says who that is and what they may do.
import { LRUCache } from 'lru-cache';
import type { Database } from '../../shared/database/database.ts';
import type { VerifyToken } from '../../shared/http/actor.ts';
import { tokenInvalid, type AccessTokens } from './access-tokens.ts';
import { permissionsOf } from './roles.ts';
import type { Caller, SessionRepository } from './session.repository.ts';

type Needs = { database: Database; sessions: Sessions; accessTokens: AccessTokens };
type Sessions = Pick<SessionRepository, 'findCaller'>;

const REMEMBERED_MAX = 5000;
/** For so long a logout, a new role or a disabled account may go unnoticed by other processes. */
const REMEMBERED_MS = 1000;

export class TokenVerifier {
  private readonly database: Database;
  private readonly sessions: Sessions;
  private readonly accessTokens: AccessTokens;
  private readonly callers = new LRUCache<string, Promise<Caller | null>>({ max: REMEMBERED_MAX, ttl: REMEMBERED_MS });

  constructor({ database, sessions, accessTokens }: Needs) {
    this.database = database;
    this.sessions = sessions;
    this.accessTokens = accessTokens;
  }

  /** @throws unauthenticated `token_invalid`, `token_expired` */
  readonly verify: VerifyToken = async (token) => {
    const { userId, sessionId } = await this.accessTokens.read(token);
    const caller = await this.callerOf(sessionId);
    if (caller === null || caller.userId !== userId) throw tokenInvalid();
    return { kind: 'user', userId, sessionId, role: caller.role, permissions: permissionsOf(caller.role) };
  };

  /** Once the end of a session is committed: this process heeds it at once, others within REMEMBERED_MS. */
  forget(sessionId: string): void {
    this.callers.delete(sessionId);
  }

  /** Once something is committed that concerns several sessions: each is looked up again, which costs a read apiece. */
  forgetAll(): void {
    this.callers.clear();
  }

  /**
   * The promise is remembered, not its answer: requests that come together share one read, its age counts from its
   * start, and a read that began before a logout cannot be remembered after it.
   */
  private callerOf(sessionId: string): Promise<Caller | null> {
    const remembered = this.callers.get(sessionId);
    if (remembered !== undefined) return remembered;
    const reading = this.sessions.findCaller(this.database, sessionId);
    this.callers.set(sessionId, reading);
    reading.catch(() => {
      if (this.callers.peek(sessionId) === reading) this.callers.delete(sessionId);
    });
    return reading;
  }
}
