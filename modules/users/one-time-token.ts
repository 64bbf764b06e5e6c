// One-time tokens: what only the reader of a mail can know.
import { createHash, randomBytes } from 'node:crypto';

export type Purpose = 'verify_email' | 'reset_password';

/** 256 bits; 43 characters that survive every link and every mail program. */
export const newToken = (): string => randomBytes(32).toString('base64url');

/** Without salt or cost: nobody guesses 256 bits, and the hash has to be found by index. */
export const tokenHashOf = (token: string): Buffer => createHash('sha256').update(token).digest();
