// E-mail verification: a token goes out by mail, and whoever brings it back has read that mail.
import type { Database } from '../../shared/database/database.ts';
import type { Audit } from '../../shared/domain/audit.ts';
import { unprocessable } from '../../shared/errors/app-error.ts';
import type { Mailer } from '../../shared/mail/mailer.ts';
import { newToken, tokenHashOf } from './one-time-token.ts';
import type { OneTimeTokenRepository } from './one-time-token.repository.ts';
import { verificationMail } from './token-mail.ts';
import type { UserRepository } from './user.repository.ts';

type Needs = {
  database: Database;
  audit: Audit;
  users: UserRepository;
  tokens: OneTimeTokenRepository;
  mailer: Mailer;
  ttlMs: number;
  storefrontUrl: string | null;
};

const purpose = 'verify_email';

export class EmailVerificationService {
  private readonly needs: Needs;

  constructor(needs: Needs) {
    this.needs = needs;
  }

  /** Twice sends two mails, of which the later holds the valid token. An account that is gone or verified gets none. */
  async sendToken(userId: string): Promise<void> {
    const { database, tokens, mailer, ttlMs, storefrontUrl } = this.needs;
    const token = newToken();
    const to = await tokens.replace(database, { userId, purpose, tokenHash: tokenHashOf(token), ttlMs });
    if (to !== null) await mailer.send(verificationMail({ to, token, ttlMs, storefrontUrl }));
  }

  /** @throws unprocessable `verification_token_invalid` */
  async verify(token: string): Promise<void> {
    const { database, audit, users, tokens } = this.needs;
    const presented = { purpose, tokenHash: tokenHashOf(token) } as const;
    await database.transaction(async (tx) => {
      const owner = await tokens.findOwner(tx, presented);
      if (owner === null) throw tokenInvalid();
      const { userId, role } = owner;
      // The account's row first, as everybody locks them.
      await users.markEmailVerified(tx, userId);
      if (!(await tokens.spend(tx, presented))) throw tokenInvalid();
      const actor = { kind: 'user', userId, role } as const;
      await audit.record(tx, { actor, action: 'auth.email_verified', subject: { type: 'user', id: userId } });
    });
  }
}

const tokenInvalid = () =>
  unprocessable('verification_token_invalid', 'This token is not, or no longer, good for verifying an address.');
