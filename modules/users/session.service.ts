// Logins: begun with a password, carried on by refresh tokens, ended by logout, expiry or a stolen token's use.
import type { Database } from '../../shared/database/database.ts';
import { newId } from '../../shared/domain/ids.ts';
import { unauthenticated } from '../../shared/errors/app-error.ts';
import type { Actor } from '../../shared/http/actor.ts';
import type { Logger } from '../../shared/logging/logger.ts';
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
import type { CredentialsGiven } from './session.validation.ts';
import { presentTokens, type TokensView } from './session.view.ts';
import type { TokenVerifier } from './token-verifier.ts';
import type { UserRepository } from './user.repository.ts';

type Needs = {
  database: Database;
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
    const { database, users, sessions, passwords, refresh } = this.needs;
    const account = await users.findCredentials(database, email);
    const isRight = await passwords.verify(password, account?.passwordHash ?? null);
    if (account === null || !isRight || !account.isActive) throw credentialsInvalid();
    const ticket = firstTicket(newId());
    const tokenHash = tokenHashOf(refreshTokenOf(ticket, refresh.key));
    await sessions.insert(database, { id: ticket.sessionId, userId: account.userId, tokenHash, ttlMs: refresh.ttlMs });
    return this.tokensFor(account.userId, ticket);
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
    });
    return this.tokensFor(userId ?? (await this.userOfSpent(ticket, refreshToken)), nextTicket(ticket));
  }

  /** Twice is as good as once. */
  async logOut(sessionId: string): Promise<void> {
    await this.needs.sessions.revoke(this.needs.database, sessionId);
    this.needs.verifier.forget(sessionId);
  }

  async purge(): Promise<void> {
    const { database, sessions } = this.needs;
    while ((await sessions.deleteEnded(database, PURGE_BATCH)) === PURGE_BATCH);
  }

  /** Whose tab was a moment late; anyone later has, or is, a thief: the whole session ends. */
  private async userOfSpent(ticket: RefreshTicket, refreshToken: string): Promise<string> {
    const { database, logger, sessions, refresh } = this.needs;
    const presented = { id: ticket.sessionId, tokenHash: tokenHashOf(refreshToken), graceMs: refresh.graceMs };
    const session = await sessions.findState(database, presented);
    const judgement = session === null ? 'refused' : judge(ticket, session);
    if (session !== null && judgement === 'same_successor') return session.userId;
    if (session !== null && judgement === 'reused') {
      logger.warn({ sessionId: ticket.sessionId, userId: session.userId }, 'refresh token reused; session revoked');
      await this.logOut(ticket.sessionId);
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

/** Who may do this has logged in: routes for `account:own` are closed to API keys. */
export function sessionOf({ sessionId }: Actor): string {
  if (sessionId === null) throw new Error('an API key has no login');
  return sessionId;
}
