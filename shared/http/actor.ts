// Who is calling, and what they may do.

export type Actor = {
  userId: string;
  /** The login that this call belongs to. */
  sessionId: string;
  role: string;
  permissions: ReadonlySet<string>;
};

/** Turns a bearer token into an actor; the users module provides it. @throws unauthenticated */
export type VerifyToken = (token: string) => Promise<Actor>;

export const may = (actor: Actor | null, permission: string): boolean => actor?.permissions.has(permission) ?? false;
