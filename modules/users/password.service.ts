// Passwords: changing one's own.
import type { Database } from '../../shared/database/database.ts';
import type { Audit } from '../../shared/domain/audit.ts';
import { unprocessable } from '../../shared/errors/app-error.ts';
import type { Actor } from '../../shared/http/actor.ts';
import { validationFailed } from '../../shared/http/parse.ts';
import { tokenInvalid } from './access-tokens.ts';
import type { PasswordHasher } from './password-hasher.ts';
import { weaknessOf } from './password.ts';
import type { PasswordChange } from './password.validation.ts';
import type { SessionRepository } from './session.repository.ts';
import type { TokenVerifier } from './token-verifier.ts';
import type { Credentials } from './user.ts';
import type { UserRepository } from './user.repository.ts';

type Needs = {
  database: Database;
  audit: Audit;
  users: UserRepository;
  sessions: SessionRepository;
  passwords: PasswordHasher;
  verifier: TokenVerifier;
};

export class PasswordService {
  private readonly needs: Needs;

  constructor(needs: Needs) {
    this.needs = needs;
  }

  /**
   * Ends every session of the account: whoever knew the old password is out.
   * @throws malformed `validation_failed` (`password_weak`), unprocessable `current_password_wrong`,
   * unavailable `password_hashing_busy`
   */
  async change(actor: Actor, { currentPassword, newPassword }: PasswordChange): Promise<void> {
    const { database, users, passwords } = this.needs;
    const account = await users.findCredentialsOf(database, actor.userId);
    if (account === null) throw tokenInvalid();
    requireStrong(newPassword, account.email);
    if (!(await passwords.verify(currentPassword, account.passwordHash))) throw currentPasswordWrong();
    await this.replace(actor, account, await passwords.hash(newPassword));
  }

  /** Of two changes that were checked against one password, the second is told that it is no longer right. */
  private async replace(actor: Actor, account: Credentials, passwordHash: string): Promise<void> {
    const { database, audit, users, sessions, verifier } = this.needs;
    const { userId } = account;
    await database.transaction(async (tx) => {
      if (!(await users.replacePassword(tx, account, passwordHash))) throw currentPasswordWrong();
      await sessions.revokeAll(tx, userId);
      await audit.record(tx, { actor, action: 'auth.password_changed', subject: { type: 'user', id: userId } });
      tx.afterCommit(() => verifier.forgetAll());
    });
  }
}

/** @throws malformed `validation_failed` (`password_weak`) */
export function requireStrong(password: string, email: string): void {
  const weakness = weaknessOf(password, email);
  if (weakness === null) return;
  throw validationFailed([{ pointer: '/newPassword', code: 'password_weak', message: weakness }]);
}

const currentPasswordWrong = () => unprocessable('current_password_wrong', 'This is not your current password.');
