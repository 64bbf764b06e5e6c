// Logins: begun with a password, carried on by refresh tokens, ended by logout, expiry or a stolen token's use.
import type { Database } from '../../shared/database/database.ts';
import type { Audit, AuditEntry } from '../../shared/domain/audit.ts';
import { newId } from '../../shared/domain/ids.ts';
import { decodeCursor, toPage, type Page } from '../../shared/domain/page.ts';
import { notFound, unauthenticated } from '../../shared/errors/app-error.ts';
import type { Actor } from '../../shared/http/actor.ts';
import { isUuid, PAGE_LIMIT_DEFAULT } from '../../shared/http/schemas.ts';
import type { Logger } from '../../shared/logging/logger.ts';
import { currentRequest } from '../../shared/logging/request-context.ts';
import type { AccessTokens } from './access-tokens.ts';
import type { PasswordHasher } from './password-hasher.ts';
import {
  firstTicket,
  judge,
  nextTicket,
  readRefreshToken,
  refreshTokenOf,
  tokenHashOf,
  type RefreshTicket,
} from './session.ts';
import type { SessionRepository } from './session.repository.ts';
import type { CredentialsGiven, ListMySessions } from './session.validation.ts';
import { presentSession, presentTokens, type SessionView, type TokensView } from './session.view.ts';
import type { TokenVerifier } from './token-verifier.ts';
import type { Credentials } from './user.ts';
import type { UserRepository } from './user.repository.ts';

type Needs = {
  database: Database;
  audit: Audit;
  logger: Logger;
  users: UserRepository;
  sessions: SessionRepository;
  passwords: PasswordHasher;
  accessTokens: AccessTokens;
  verifier: TokenVerifier;
  refresh: { key: Buffer; ttlMs: number; graceMs: number };
};

const PURGE_BATCH = 1000;

export class SessionService {
  private readonly needs: Needs;

  constructor(needs: Needs) {
    this.needs = needs;
  }

  /**
   * An unknown address, a wrong password and a disabled account are told apart neither by the answer nor by its time.
   * @throws unauthenticated `credentials_invalid`, unavailable `password_hashing_busy`
   */
  async logIn({ email, password }: CredentialsGiven): Promise<TokensView> {
    const { database, users, passwords, audit } = this.needs;
    const account = await users.findCredentials(database, email);
    const isRight = await passwords.verify(password, account?.passwordHash ?? null);
    const tokens = account !== null && isRight && account.isActive ? await this.open(account) : null;
    if (tokens !== null) return tokens;
    const subject = { type: 'user', id: account?.userId ?? null };
    await audit.record(database, { actor: null, action: 'auth.login_failed', subject });
    throw credentialsInvalid();
  }

  /** The first use of a token starts the next; a forged token never comes as far as the database. @throws unauthenticated `refresh_token_invalid` */
  async refresh(refreshToken: string): Promise<TokensView> {
    const { database, sessions, refresh } = this.needs;
    const ticket = readRefreshToken(refreshToken, refresh.key);
    if (ticket === null) throw refreshTokenInvalid();
    const userId = await sessions.rotate(database, {
      id: ticket.sessionId,
      tokenHash: tokenHashOf(refreshToken),
      nextTokenHash: tokenHashOf(refreshTokenOf(nextTicket(ticket), refresh.key)),
      ttlMs: refresh.ttlMs,
      address: currentAddress(),
    });
    return this.tokensFor(userId ?? (await this.userOfSpent(ticket, refreshToken)), nextTicket(ticket));
  }

  /** Twice is as good as once. */
  async logOut(actor: Actor): Promise<void> {
    const id = sessionOf(actor);
    await this.end(id, actor.userId, { actor, action: 'auth.logged_out', subject: { type: 'session', id } });
  }

  /** @throws malformed `cursor_invalid` */
  async list(actor: Actor, { limit = PAGE_LIMIT_DEFAULT, cursor }: ListMySessions): Promise<Page<SessionView>> {
    const { database, sessions } = this.needs;
    const [beforeId = null] = cursor === undefined ? [] : decodeCursor(cursor, [isUuid]);
    const rows = await sessions.listLive(database, { userId: actor.userId, beforeId, limit: limit + 1 });
    const { items, nextCursor } = toPage(rows, limit, ({ id }) => [id]);
    return { items: items.map((session) => presentSession(session, sessionOf(actor))), nextCursor };
  }

  /** @throws notFound `session_not_found`, also for somebody else's and for one that has ended */
  async revoke(actor: Actor, id: string): Promise<void> {
    const entry = { actor, action: 'auth.session_revoked', subject: { type: 'session', id } };
    if (!(await this.end(id, actor.userId, entry))) throw sessionNotFound();
  }

  async purge(): Promise<void> {
    const { database, sessions } = this.needs;
    while ((await sessions.deleteEnded(database, PURGE_BATCH)) === PURGE_BATCH);
  }

  /** Checked and written in one statement, so a login costs two round trips. @returns null when the password was changed meanwhile */
  private async open({ userId, role, passwordHash }: Credentials): Promise<TokensView | null> {
    const { database, sessions, audit, refresh } = this.needs;
    const ticket = firstTicket(newId());
    const session = {
      id: ticket.sessionId,
      userId,
      passwordHash,
      tokenHash: tokenHashOf(refreshTokenOf(ticket, refresh.key)),
      ttlMs: refresh.ttlMs,
      address: currentAddress(),
    };
    const actor = { kind: 'user', userId, role } as const;
    const entry = audit.prepare({ actor, action: 'auth.logged_in', subject: { type: 'session', id: session.id } });
    return (await sessions.open(database, session, entry)) ? this.tokensFor(userId, ticket) : null;
  }

  /** @returns whether it was there to be ended */
  private async end(id: string, userId: string, entry: AuditEntry): Promise<boolean> {
    const { database, sessions, audit, verifier } = this.needs;
    const isEnded = await database.transaction(async (tx) => {
      const isRevoked = await sessions.revoke(tx, { id, userId });
      if (isRevoked) await audit.record(tx, entry);
      return isRevoked;
    });
    verifier.forget(id);
    return isEnded;
  }

  /** Whose tab was a moment late; anyone later has, or is, a thief: the whole session ends. */
  private async userOfSpent(ticket: RefreshTicket, refreshToken: string): Promise<string> {
    const { database, logger, sessions, refresh } = this.needs;
    const presented = { id: ticket.sessionId, tokenHash: tokenHashOf(refreshToken), graceMs: refresh.graceMs };
    const session = await sessions.findState(database, presented);
    const judgement = session === null ? 'refused' : judge(ticket, session);
    if (session !== null && judgement === 'same_successor') return session.userId;
    if (session !== null && judgement === 'reused') {
      const { sessionId: id } = ticket;
      const { userId } = session;
      logger.warn({ sessionId: id, userId }, 'refresh token reused; session revoked');
      const subject = { type: 'session', id };
      await this.end(id, userId, { actor: null, action: 'auth.refresh_reused', subject, after: { userId } });
    }
    throw refreshTokenInvalid();
  }

  private async tokensFor(userId: string, ticket: RefreshTicket): Promise<TokensView> {
    const { accessTokens, refresh } = this.needs;
    const accessToken = await accessTokens.issue({ userId, sessionId: ticket.sessionId });
    return presentTokens(accessToken, refreshTokenOf(ticket, refresh.key), accessTokens.ttlSeconds);
  }
}

const credentialsInvalid = () => unauthenticated('credentials_invalid', 'The e-mail address or the password is wrong.');

const refreshTokenInvalid = () =>
  unauthenticated('refresh_token_invalid', 'This refresh token is not, or no longer, valid.');

const sessionNotFound = () => notFound('session_not_found', 'There is no such session.');

const currentAddress = (): string | null => currentRequest()?.address ?? null;

/** Who may do this has logged in: routes for `account:own` are closed to API keys. */
function sessionOf({ sessionId }: Actor): string {
  if (sessionId === null) throw new Error('an API key has no login');
  return sessionId;
}
