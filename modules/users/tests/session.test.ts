// The rules of refresh tokens.
import { describe, expect, test } from 'vitest';
import {
  firstTicket,
  judge,
  nextTicket,
  readRefreshToken,
  refreshKeyOf,
  refreshTokenOf,
  tokenHashOf,
  type SessionState,
} from '../session.ts';

const key = refreshKeyOf('a secret of at least thirty-two characters');
const ticket = firstTicket('01939d3a-7c1e-7b1a-8f00-000000000001');
const token = refreshTokenOf(ticket, key);

describe('a refresh token', () => {
  test('is the same each time it is derived, and reads back', () => {
    expect(refreshTokenOf(ticket, key)).toBe(token);
    expect(readRefreshToken(token, key)).toEqual({ sessionId: ticket.sessionId, generation: 1 });
    expect(token).toMatch(/^[\w-]{70}$/);
  });

  test('made by the version before is still good: the way it is derived never changes', () => {
    const made = 'AZOdOnweexqPAAAAAAAAAQAAAAJXNgmt83qCIQTWm6R1mvxpeRO0MzBJIQXAFFltbH1OWQ';
    expect(refreshTokenOf(nextTicket(ticket), key)).toBe(made);
    expect(readRefreshToken(made, key)).toEqual({ sessionId: ticket.sessionId, generation: 2 });
  });

  test('differs by generation, session and key', () => {
    const others = [
      refreshTokenOf(nextTicket(ticket), key),
      refreshTokenOf(firstTicket('01939d3a-7c1e-7b1a-8f00-000000000002'), key),
      refreshTokenOf(ticket, refreshKeyOf('another secret of thirty-two characters')),
    ];
    expect(new Set([token, ...others]).size).toBe(4);
    expect(new Set([token, ...others].map((one) => tokenHashOf(one).toString('hex'))).size).toBe(4);
  });

  test('made with another key is not read', () => {
    expect(readRefreshToken(token, refreshKeyOf('another secret of thirty-two characters'))).toBeNull();
  });

  test('is refused when any one of its bits is turned', () => {
    const bytes = Buffer.from(token, 'base64url');
    const forged = Array.from({ length: bytes.length * 8 }, (_, bit) => {
      const copy = Buffer.from(bytes);
      copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      return copy.toString('base64url');
    });
    expect(forged.filter((one) => readRefreshToken(one, key) !== null)).toEqual([]);
  });

  test.each([
    ['nothing', ''],
    ['a character short', token.slice(0, -1)],
    ['a character long', `${token}A`],
    ['with padding', `${token}==`],
    ['with a blank', `${token} `],
    ['in the other base64 alphabet', Buffer.from(token, 'base64url').toString('base64')],
    ['with other spare bits at its end', `${token.slice(0, -1)}${'ABCDEFGH'.replace(token.slice(-1), '').charAt(1)}`],
    ['not ASCII', '🦊'.repeat(35)],
  ])('%s is refused', (_what, text) => expect(readRefreshToken(text, key)).toBeNull());
});

describe('a genuine token that is not the newest', () => {
  const session: SessionState = { userId: 'u', generation: 3, isLive: true, isPrevious: true, isWithinGrace: true };
  const spent = { ...ticket, generation: 2 };

  test.each([
    ['the previous one in time', spent, {}, 'same_successor'],
    ['the previous one too late', spent, { isWithinGrace: false }, 'reused'],
    ['an older one, however soon', ticket, { isPrevious: false }, 'reused'],
    ['any, once the session has ended', spent, { isLive: false }, 'refused'],
    ['the newest (its account was enabled in between)', { ...ticket, generation: 3 }, { isPrevious: false }, 'refused'],
    ['one from the future', { ...ticket, generation: 4 }, { isPrevious: false }, 'refused'],
  ])('%s', (_what, ticket, state, judgement) => expect(judge(ticket, { ...session, ...state })).toBe(judgement));
});
