// Forgotten passwords: who asks gets a token by mail, and with it chooses a new password.
import type { Database } from '../../shared/database/database.ts';
import type { Audit } from '../../shared/domain/audit.ts';
import { newId } from '../../shared/domain/ids.ts';
import { unprocessable } from '../../shared/errors/app-error.ts';
import type { Outbox } from '../../shared/events/outbox.ts';
import type { Mailer } from '../../shared/mail/mailer.ts';
import { newToken, tokenHashOf } from './one-time-token.ts';
import type { OneTimeTokenRepository, TokenOwner } from './one-time-token.repository.ts';
import type { PasswordHasher } from './password-hasher.ts';
import { requireStrong } from './password.service.ts';
import type { PasswordReset } from './password-reset.validation.ts';
import type { ResetRequestView } from './password-reset.view.ts';
import type { SessionRepository } from './session.repository.ts';
import { passwordResetMail } from './token-mail.ts';
import type { TokenVerifier } from './token-verifier.ts';
import type { UserRepository } from './user.repository.ts';

type Needs = {
  database: Database;
  audit: Audit;
  outbox: Outbox;
  users: UserRepository;
  sessions: SessionRepository;
  tokens: OneTimeTokenRepository;
  passwords: PasswordHasher;
  verifier: TokenVerifier;
  mailer: Mailer;
  ttlMs: number;
  storefrontUrl: string | null;
};

const purpose = 'reset_password';

export class PasswordResetService {
  private readonly needs: Needs;

  constructor(needs: Needs) {
    this.needs = needs;
  }

  /**
   * Only notes that somebody asked; token and mail are made when that is heard. For an address without an account the
   * same statements run and the same rows are written, so that neither the answer nor its time tells them apart.
   */
  async request(email: string): Promise<ResetRequestView> {
    const { database, audit, outbox, users, mailer } = this.needs;
    const account = await users.findCredentials(database, email);
    const userId = account?.isActive === true ? account.userId : null;
    await database.transaction(async (tx) => {
      await outbox.record(tx, 'user.password_reset_requested', userId ?? newId(), { userId });
      const subject = { type: 'user', id: userId };
      await audit.record(tx, { actor: null, action: 'auth.password_reset_requested', subject });
    });
    return { sendsMail: mailer.delivers };
  }

  /** Twice sends two mails, of which the later holds the valid token. */
  async sendToken(userId: string): Promise<void> {
    const { database, tokens, mailer, ttlMs, storefrontUrl } = this.needs;
    const token = newToken();
    const to = await tokens.replace(database, { userId, purpose, tokenHash: tokenHashOf(token), ttlMs });
    if (to !== null) await mailer.send(passwordResetMail({ to, token, ttlMs, storefrontUrl }));
  }

  /**
   * Ends every session of the account. A token that is not ours costs no hash of a password.
   * @throws unprocessable `reset_token_invalid`; malformed `validation_failed` (`password_weak`; the token stays good);
   * unavailable `password_hashing_busy`
   */
  async reset({ token, newPassword }: PasswordReset): Promise<void> {
    const { database, tokens, passwords } = this.needs;
    const presented = { purpose, tokenHash: tokenHashOf(token) } as const;
    const owner = await tokens.findOwner(database, presented);
    if (owner === null) throw tokenInvalid();
    requireStrong(newPassword, owner.email);
    await this.replacePassword(owner, presented, await passwords.hash(newPassword));
  }

  private async replacePassword(
    { userId, role }: TokenOwner,
    presented: { purpose: typeof purpose; tokenHash: Buffer },
    passwordHash: string,
  ): Promise<void> {
    const { database, audit, users, sessions, tokens, verifier } = this.needs;
    await database.transaction(async (tx) => {
      // The account's row first, as everybody locks them.
      if (!(await users.setPassword(tx, userId, passwordHash))) throw tokenInvalid();
      if (!(await tokens.spend(tx, presented))) throw tokenInvalid();
      await sessions.revokeAll(tx, userId);
      const actor = { kind: 'user', userId, role } as const;
      await audit.record(tx, { actor, action: 'auth.password_reset', subject: { type: 'user', id: userId } });
      tx.afterCommit(() => verifier.forgetAll());
    });
  }
}

const tokenInvalid = () =>
  unprocessable('reset_token_invalid', 'This token is not, or no longer, good for choosing a password.');
