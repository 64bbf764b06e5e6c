// Who is calling, and what they may do.

export type Actor = {
  kind: 'user' | 'api_key';
  /** The account; an API key stands for itself, so this is the key's id. */
  userId: string;
  /** The login that this call belongs to; null for an API key. */
  sessionId: string | null;
  role: string;
  permissions: ReadonlySet<string>;
};

/** Turns a bearer token into an actor; the users module provides it. @throws unauthenticated */
export type VerifyToken = (token: string) => Promise<Actor>;

export const may = (actor: Actor | null, permission: string): boolean => actor?.permissions.has(permission) ?? false;
