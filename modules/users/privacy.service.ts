// What a person may ask of us about their own data: to see all of it, and to be forgotten.
import type { Database, Transaction } from '../../shared/database/database.ts';
import type { Audit } from '../../shared/domain/audit.ts';
import { everyOne } from '../../shared/domain/page.ts';
import { conflict, preconditionFailed } from '../../shared/errors/app-error.ts';
import type { Actor } from '../../shared/http/actor.ts';
import { tokenInvalid } from './access-tokens.ts';
import type { AddressRepository } from './address.repository.ts';
import { presentAddress, type AddressView } from './address.view.ts';
import { requireOtherAdmin } from './managed-user.service.ts';
import type { ManagedUserRepository } from './managed-user.repository.ts';
import { exportedText } from './privacy.export.ts';
import type { PrivacyRepository } from './privacy.repository.ts';
import type { Session } from './session.ts';
import type { SessionRepository } from './session.repository.ts';
import type { TokenVerifier } from './token-verifier.ts';
import type { UserRepository } from './user.repository.ts';
import { presentUser } from './user.view.ts';

/** What privacy needs of every module that holds something about a person. */
export type PersonalData = {
  /** In the deletion's transaction, with the account held: true refuses it, and nothing new can begin before the commit. */
  hasOpenBusiness?(tx: Transaction, userId: string): Promise<boolean>;
  /** In the same transaction: amounts, numbers and ids stay, whatever tells who it was goes. */
  anonymise?(tx: Transaction, userId: string): Promise<void>;
  /** Lists by name, each read page by page. */
  exportOf(userId: string): Record<string, AsyncIterable<object>>;
};

type Needs = {
  database: Database;
  audit: Audit;
  privacy: PrivacyRepository;
  users: UserRepository;
  managedUsers: ManagedUserRepository;
  sessions: SessionRepository;
  addresses: AddressRepository;
  verifier: TokenVerifier;
  /** Asked for when it is needed: those modules are made after this one. */
  personalData: () => PersonalData[];
};

const EXPORT_PAGE = 100;

export class PrivacyService {
  private readonly needs: Needs;

  constructor(needs: Needs) {
    this.needs = needs;
  }

  /**
   * Holds the account first: an order that is being placed has been committed then, or will find no account (users.hold_active).
   * @throws preconditionFailed `version_stale`; conflict `orders_open`, `last_admin`; unauthenticated `token_invalid`
   */
  async deleteAccount(actor: Actor, version: number): Promise<void> {
    const { database, audit, privacy, verifier } = this.needs;
    const { userId } = actor;
    await database.transaction(async (tx) => {
      const account = await privacy.lock(tx, userId);
      if (account === null) throw tokenInvalid();
      if (account.version !== version)
        throw preconditionFailed('version_stale', 'The account has changed since you read it.');
      if (account.role === 'admin') await requireOtherAdmin(tx, this.needs, userId);
      await this.requireNothingOpen(tx, userId);
      for (const holder of this.needs.personalData()) await holder.anonymise?.(tx, userId);
      await privacy.erase(tx, userId);
      await audit.record(tx, { actor, action: 'user.deleted', subject: { type: 'user', id: userId } });
      tx.afterCommit(() => verifier.forgetAll());
    });
  }

  /** As text, piece by piece: a customer of many years has more than fits into memory. @throws unauthenticated `token_invalid` */
  async exportData({ userId }: Actor): Promise<AsyncIterable<string>> {
    const { database, users, personalData } = this.needs;
    const profile = await users.find(database, userId);
    if (profile === null) throw tokenInvalid();
    const lists = personalData().map((holder) => holder.exportOf(userId));
    return exportedText(presentUser(profile), Object.assign({}, this.ownLists(userId), ...lists));
  }

  private async requireNothingOpen(tx: Transaction, userId: string): Promise<void> {
    for (const holder of this.needs.personalData()) {
      if (await holder.hasOpenBusiness?.(tx, userId))
        throw conflict('orders_open', 'An order of yours is still open: wait for it, or cancel it.');
    }
  }

  private ownLists(userId: string): Record<string, AsyncIterable<object>> {
    const { database, sessions, addresses } = this.needs;
    const page = { userId, limit: EXPORT_PAGE };
    return {
      addresses: everyOne<AddressView>(
        async (last) => (await addresses.list(database, { ...page, beforeId: last?.id ?? null })).map(presentAddress),
        EXPORT_PAGE,
      ),
      sessions: everyOne<Session>(
        (last) => sessions.listLive(database, { ...page, beforeId: last?.id ?? null }),
        EXPORT_PAGE,
      ),
    };
  }
}
