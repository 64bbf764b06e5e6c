// Accounts: opening one, seeing and changing one's own, and the first of the staff.
import type { Connection, Database } from '../../shared/database/database.ts';
import { newId } from '../../shared/domain/ids.ts';
import { conflict, preconditionFailed, unauthenticated } from '../../shared/errors/app-error.ts';
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

type Needs = { database: Database; users: UserRepository; passwords: PasswordHasher };

export class UserService {
  private readonly database: Database;
  private readonly users: UserRepository;
  private readonly passwords: PasswordHasher;

  constructor({ database, users, passwords }: Needs) {
    this.database = database;
    this.users = users;
    this.passwords = passwords;
  }

  /** @throws conflict `email_taken`, unavailable `password_hashing_busy` */
  async register({ email, name, password }: Registration): Promise<UserView> {
    return this.insert(this.database, {
      email,
      name,
      role: 'customer',
      passwordHash: await this.passwords.hash(password),
    });
  }

  async find(userId: string): Promise<UserView> {
    const user = await this.users.find(this.database, userId);
    if (user === null) throw unauthenticated('token_invalid', 'The account of this token is gone.');
    return presentUser(user);
  }

  /** @throws preconditionFailed `version_stale` */
  async rename(userId: string, version: number, { name }: ProfileChanges): Promise<UserView> {
    const user = await this.users.updateName(this.database, userId, version, name);
    if (user === null) throw preconditionFailed('version_stale', 'The account has changed since you read it.');
    return presentUser(user);
  }

  /** For other modules that act for a user. */
  async isActive(userId: string): Promise<boolean> {
    return this.users.isActive(this.database, userId);
  }

  /** For operators: any role. @throws malformed `validation_failed`, conflict `email_taken` */
  async createUser(input: UserToCreate): Promise<UserView> {
    const { email, name, password, role } = parse(userToCreate, input, 'body');
    const passwordHash = await this.passwords.hash(password);
    return this.insert(this.database, { email, name: name ?? nameFrom(email), role, passwordHash });
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
      return this.insert(tx, { email, name: nameFrom(email), role: 'admin', passwordHash });
    });
  }

  private async insert(connection: Connection, user: Omit<NewUser, 'id'>): Promise<UserView> {
    const inserted = await this.users.insert(connection, { id: newId(), ...user });
    if (inserted === null) throw conflict('email_taken', 'There is an account with this e-mail address.');
    return presentUser(inserted);
  }
}
