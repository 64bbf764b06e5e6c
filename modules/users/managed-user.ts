// What staff may make of an account: pure.
import type { Role } from './roles.ts';
import type { User } from './user.ts';

/** `deleted` is for its owner to choose, and for good. */
export const userStatuses = ['active', 'disabled', 'deleted'] as const;
export type UserStatus = (typeof userStatuses)[number];

export type Standing = { role: Role; status: UserStatus };
export type ManagedUser = User & Standing & { updatedAt: Date };

const isActiveAdmin = ({ role, status }: Standing): boolean => role === 'admin' && status === 'active';

/** Without any active admin nobody could make another. */
export const takesAdminAway = (before: Standing, after: Standing): boolean =>
  isActiveAdmin(before) && !isActiveAdmin(after);
