// API keys: how one is made and known again.
import { createHash, randomBytes } from 'node:crypto';

export type ApiKey = {
  id: string;
  name: string;
  /** The first characters of the key. */
  prefix: string;
  scopes: string[];
  createdBy: string;
  createdAt: Date;
  expiresAt: Date | null;
  revokedAt: Date | null;
  lastUsedAt: Date | null;
};

/** Tells a key from an access token, and lets a scanner find one in a repository. */
const MARK = 'wb_';
const SECRET_BYTES = 32;
/** The mark and 6 more: enough to tell keys apart, 220 bits short of the key. */
const PREFIX_LENGTH = MARK.length + 6;

export const newSecret = (): string => MARK + randomBytes(SECRET_BYTES).toString('base64url');

export const prefixOf = (secret: string): string => secret.slice(0, PREFIX_LENGTH);

/** As it is stored: a stolen table opens nothing. */
export const secretHashOf = (secret: string): Buffer => createHash('sha256').update(secret).digest();

export const isMarkedAsKey = (token: string): boolean => token.startsWith(MARK);

/** 32 bytes are 43 characters of base64url: anything else need not be looked up. */
export const isWellFormedKey = (token: string): boolean => /^wb_[\w-]{43}$/.test(token);
