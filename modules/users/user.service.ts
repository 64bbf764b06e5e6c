// Accounts: opening one, seeing and changing one's own, and the first of the staff.
import type { Connection, Database, Transaction } from '../../shared/database/database.ts';
import type { Audit } from '../../shared/domain/audit.ts';
import { newId } from '../../shared/domain/ids.ts';
import { conflict, preconditionFailed, unauthenticated } from '../../shared/errors/app-error.ts';
import type { Outbox } from '../../shared/events/outbox.ts';
import type { Actor } from '../../shared/http/actor.ts';
import { parse } from '../../shared/http/parse.ts';
import type { PasswordHasher } from './password-hasher.ts';
import { nameFrom, type NewUser } from './user.ts';
import type { UserRepository } from './user.repository.ts';
import {
  firstAdmin,
  userToCreate,
  type FirstAdmin,
  type ProfileChanges,
  type Registration,
  type UserToCreate,
} from './user.validation.ts';
import { presentUser, type UserView } from './user.view.ts';

type Needs = { database: Database; audit: Audit; outbox: Outbox; users: UserRepository; passwords: PasswordHasher };

export class UserService {
  private readonly database: Database;
  private readonly audit: Audit;
  private readonly outbox: Outbox;
  private readonly users: UserRepository;
  private readonly passwords: PasswordHasher;

  constructor({ database, audit, outbox, users, passwords }: Needs) {
    this.database = database;
    this.audit = audit;
    this.outbox = outbox;
    this.users = users;
    this.passwords = passwords;
  }

  /** @throws conflict `email_taken`, unavailable `password_hashing_busy` */
  async register({ email, name, password }: Registration): Promise<UserView> {
    const passwordHash = await this.passwords.hash(password);
    return this.database.transaction(async (tx) => {
      const user = await this.insert(tx, { email, name, role: 'customer', passwordHash });
      const actor = { kind: 'user', userId: user.id, role: user.role } as const;
      await this.audit.record(tx, { actor, action: 'auth.registered', subject: { type: 'user', id: user.id } });
      await this.outbox.record(tx, 'user.registered', user.id, { userId: user.id });
      return user;
    });
  }

  async find(userId: string): Promise<UserView> {
    const user = await this.users.find(this.database, userId);
    if (user === null) throw unauthenticated('token_invalid', 'The account of this token is gone.');
    return presentUser(user);
  }

  /** @throws preconditionFailed `version_stale` */
  async rename(actor: Actor, version: number, { name }: ProfileChanges): Promise<UserView> {
    return this.database.transaction(async (tx) => {
      const user = await this.users.updateName(tx, actor.userId, version, name);
      if (user === null) throw preconditionFailed('version_stale', 'The account has changed since you read it.');
      const subject = { type: 'user', id: user.id };
      await this.audit.record(tx, { actor, action: 'user.updated', subject, after: { name } });
      return presentUser(user);
    });
  }

  /** For other modules that act for a user. */
  async isActive(userId: string): Promise<boolean> {
    return this.users.isActive(this.database, userId);
  }

  /** For operators: any role. @throws malformed `validation_failed`, conflict `email_taken` */
  async createUser(input: UserToCreate): Promise<UserView> {
    const { email, name, password, role } = parse(userToCreate, input, 'body');
    const passwordHash = await this.passwords.hash(password);
    return this.database.transaction((tx) =>
      this.insertByHand(tx, { email, name: name ?? nameFrom(email), role, passwordHash }),
    );
  }

  /**
   * Makes the first of the staff; processes that start together make one. @returns null when there is staff already.
   * @throws malformed `validation_failed`, conflict `email_taken` when a customer has the address
   */
  async ensureAdmin(input: FirstAdmin): Promise<UserView | null> {
    const { email, password } = parse(firstAdmin, input, 'body');
    if (await this.users.staffExists(this.database)) return null;
    const passwordHash = await this.passwords.hash(password);
    return this.database.transaction(async (tx) => {
      await this.users.lockStaff(tx);
      if (await this.users.staffExists(tx)) return null;
      return this.insertByHand(tx, { email, name: nameFrom(email), role: 'admin', passwordHash });
    });
  }

  /** Nobody of ours did it: whoever can start programs on the server. */
  private async insertByHand(tx: Transaction, newUser: Omit<NewUser, 'id'>): Promise<UserView> {
    const user = await this.insert(tx, newUser);
    const subject = { type: 'user', id: user.id };
    await this.audit.record(tx, { actor: null, action: 'user.created', subject, after: user });
    return user;
  }

  private async insert(connection: Connection, user: Omit<NewUser, 'id'>): Promise<UserView> {
    const inserted = await this.users.insert(connection, { id: newId(), ...user });
    if (inserted === null) throw conflict('email_taken', 'There is an account with this e-mail address.');
    return presentUser(inserted);
  }
}
