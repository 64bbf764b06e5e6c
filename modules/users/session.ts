// Refresh tokens: how one is made, read, and judged when it is not the newest of its session.
import { createHash, createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import { parse, stringify } from 'uuid';

/** A login as its owner sees it. It is used at the latest when its access token has run out and is refreshed. */
export type Session = { id: string; createdAt: Date; lastUsedAt: Date; address: string | null };

/** A login's token of one turn: each use of it starts the next. */
export type RefreshTicket = { sessionId: string; generation: number };

const FIRST_GENERATION = 1;
const SESSION_ID_BYTES = 16;
const TICKET_BYTES = SESSION_ID_BYTES + 4;
const TOKEN_BYTES = TICKET_BYTES + 32;

/** A key of its own (RFC 5869): what signs access tokens must not make refresh tokens. */
export const refreshKeyOf = (secret: string): Buffer =>
  Buffer.from(hkdfSync('sha256', secret, '', 'waybill refresh token', 32));

export const firstTicket = (sessionId: string): RefreshTicket => ({ sessionId, generation: FIRST_GENERATION });

export const nextTicket = ({ sessionId, generation }: RefreshTicket): RefreshTicket => ({
  sessionId,
  generation: generation + 1,
});

/** Derived, so that two tabs that spend one token can be given the same successor although only its hash is stored. */
export function refreshTokenOf(ticket: RefreshTicket, key: Buffer): string {
  const bytes = Buffer.alloc(TICKET_BYTES);
  bytes.set(parse(ticket.sessionId));
  bytes.writeUInt32BE(ticket.generation, SESSION_ID_BYTES);
  return Buffer.concat([bytes, signatureOf(bytes, key)]).toString('base64url');
}

/** @returns null unless the token is one that this key has made, letter for letter */
export function readRefreshToken(token: string, key: Buffer): RefreshTicket | null {
  const bytes = Buffer.from(token, 'base64url');
  if (bytes.length !== TOKEN_BYTES || bytes.toString('base64url') !== token) return null;
  const ticket = bytes.subarray(0, TICKET_BYTES);
  if (!timingSafeEqual(bytes.subarray(TICKET_BYTES), signatureOf(ticket, key))) return null;
  return {
    sessionId: stringify(ticket.subarray(0, SESSION_ID_BYTES)),
    generation: ticket.readUInt32BE(SESSION_ID_BYTES),
  };
}

/** As it is stored: a stolen table opens no session. */
export const tokenHashOf = (token: string): Buffer => createHash('sha256').update(token).digest();

const signatureOf = (bytes: Buffer, key: Buffer): Buffer => createHmac('sha256', key).update(bytes).digest();

/** What the database knows of a session whose newest token was not the one that came. */
export type SessionState = {
  userId: string;
  generation: number;
  /** Neither revoked nor expired, and its user is active. */
  isLive: boolean;
  /** The token that came is the one before the newest. */
  isPrevious: boolean;
  /** The newest was made so short a time ago that another tab may not have heard of it. */
  isWithinGrace: boolean;
};

export type Judgement = 'same_successor' | 'reused' | 'refused';

/**
 * A genuine token that was already spent: by another tab just now, or by whoever stole it or was stolen from.
 * One from the future (the database was restored from a backup) proves no theft.
 */
export function judge({ generation }: RefreshTicket, session: SessionState): Judgement {
  if (!session.isLive || generation >= session.generation) return 'refused';
  return session.isPrevious && session.isWithinGrace ? 'same_successor' : 'reused';
}
