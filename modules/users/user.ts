// What a user is: an account with one role.
import type { Role } from './roles.ts';

export type User = {
  id: string;
  email: string;
  name: string;
  role: Role;
  emailVerified: boolean;
  createdAt: Date;
  version: number;
};

export type NewUser = { id: string; email: string; name: string; passwordHash: string; role: Role };

/** What a password is checked against. */
export type Credentials = { userId: string; email: string; role: Role; passwordHash: string; isActive: boolean };

/** Who gave no name is called by the e-mail address. */
export const nameFrom = (email: string): string => email.slice(0, email.lastIndexOf('@'));
