// Accounts in the hands of staff: finding them, and changing what they may.
import type { Database, Transaction } from '../../shared/database/database.ts';
import type { Audit } from '../../shared/domain/audit.ts';
import { decodeCursor, toPage, type Page } from '../../shared/domain/page.ts';
import { conflict, notFound, preconditionFailed } from '../../shared/errors/app-error.ts';
import type { Actor } from '../../shared/http/actor.ts';
import { isUuid, PAGE_LIMIT_DEFAULT } from '../../shared/http/schemas.ts';
import { takesAdminAway, type ManagedUser } from './managed-user.ts';
import type { ManagedUserRepository } from './managed-user.repository.ts';
import type { ListUsers, StandingChanges } from './managed-user.validation.ts';
import { presentManagedUser, type ManagedUserView } from './managed-user.view.ts';
import type { SessionRepository } from './session.repository.ts';
import type { TokenVerifier } from './token-verifier.ts';
import type { UserRepository } from './user.repository.ts';

type Needs = {
  database: Database;
  audit: Audit;
  users: UserRepository;
  managedUsers: ManagedUserRepository;
  sessions: SessionRepository;
  verifier: TokenVerifier;
};

export class ManagedUserService {
  private readonly needs: Needs;

  constructor(needs: Needs) {
    this.needs = needs;
  }

  /** @throws malformed `cursor_invalid` */
  async list({ limit = PAGE_LIMIT_DEFAULT, cursor, ...filter }: ListUsers): Promise<Page<ManagedUserView>> {
    const { database, managedUsers } = this.needs;
    const [beforeId = null] = cursor === undefined ? [] : decodeCursor(cursor, [isUuid]);
    const rows = await managedUsers.list(database, { ...filter, beforeId, limit: limit + 1 });
    const { items, nextCursor } = toPage(rows, limit, ({ id }) => [id]);
    return { items: items.map(presentManagedUser), nextCursor };
  }

  /** @throws notFound `user_not_found` */
  async get(id: string): Promise<ManagedUserView> {
    const { database, managedUsers } = this.needs;
    return presentManagedUser(known(await managedUsers.find(database, id)));
  }

  /** @throws notFound `user_not_found`; preconditionFailed `version_stale`; conflict `last_admin`, `user_deleted` */
  async change(actor: Actor, id: string, version: number, changes: StandingChanges): Promise<ManagedUserView> {
    const { database, audit, managedUsers, sessions, verifier } = this.needs;
    return database.transaction(async (tx) => {
      const before = await this.lockVersion(tx, id, version);
      const { role = before.role, status = before.status } = changes;
      if (takesAdminAway(before, { role, status })) await requireOtherAdmin(tx, this.needs, id);
      const after = known(await managedUsers.update(tx, id, { role, status }));
      if (status === 'disabled') await sessions.revokeAll(tx, id);
      const [was, is] = [presentManagedUser(before), presentManagedUser(after)];
      const subject = { type: 'user', id };
      await audit.record(tx, { actor, action: 'user.updated', subject, before: was, after: is });
      tx.afterCommit(() => verifier.forgetAll());
      return is;
    });
  }

  private async lockVersion(tx: Transaction, id: string, version: number): Promise<ManagedUser> {
    const user = known(await this.needs.managedUsers.lock(tx, id));
    if (user.status === 'deleted')
      throw conflict('user_deleted', 'This account was deleted; nothing of it can change.');
    if (user.version !== version)
      throw preconditionFailed('version_stale', 'The account has changed since you read it.');
    return user;
  }
}

type Staff = Pick<Needs, 'users' | 'managedUsers'>;

/** Of two who leave at once, the second waits here and then counts what the first has left. @throws conflict `last_admin` */
export async function requireOtherAdmin(tx: Transaction, { users, managedUsers }: Staff, id: string): Promise<void> {
  await users.lockStaff(tx);
  if (await managedUsers.otherActiveAdminExists(tx, id)) return;
  throw conflict('last_admin', 'This is the only active admin: make another one first.');
}

function known(user: ManagedUser | null): ManagedUser {
  if (user === null) throw notFound('user_not_found', 'There is no such account.');
  return user;
}
