// What is remembered of a session, and what must not be.
import { randomUUID } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { expect, test, vi } from 'vitest';
import { Caches } from '../../../shared/cache/caches.ts';
import type { Database } from '../../../shared/database/database.ts';
import { Metrics } from '../../../shared/metrics/metrics.ts';
import { AccessTokens } from '../access-tokens.ts';
import { newSecret, secretHashOf } from '../api-key.ts';
import type { KeyCaller } from '../api-key.repository.ts';
import type { Caller } from '../session.repository.ts';
import { TokenVerifier } from '../token-verifier.ts';

const accessTokens = new AccessTokens({ secret: 'a secret of at least thirty-two characters', ttlMs: 60_000 });
const unasked = (): never => {
  throw new Error('only findCaller asks the database here');
};
const database: Database = { query: unasked, transaction: unasked, join: unasked, snapshot: unasked };

async function startVerifier() {
  const [userId, sessionId] = [randomUUID(), randomUUID()];
  const findCaller = vi.fn<() => Promise<Caller | null>>().mockResolvedValue({ userId, role: 'customer' });
  const findKey = vi.fn<() => Promise<KeyCaller | null>>().mockResolvedValue({ id: userId, scopes: ['stock:read'] });
  const verifier = new TokenVerifier({
    database,
    sessions: { findCaller },
    apiKeys: { findCaller: findKey },
    accessTokens,
    caches: new Caches(new Metrics()),
  });
  return {
    verifier,
    findCaller,
    findKey,
    sessionId,
    live: { userId, role: 'customer' },
    token: await accessTokens.issue({ userId, sessionId }),
  };
}

test('calls that come together, and soon after, ask the database once', async () => {
  const { verifier, findCaller, token } = await startVerifier();
  await Promise.all([verifier.verify(token), verifier.verify(token)]);
  await verifier.verify(token);
  expect(findCaller).toHaveBeenCalledTimes(1);
});

test('a read that began before the logout is not remembered after it', async () => {
  const { verifier, findCaller, sessionId, token, live } = await startVerifier();
  const slow = new EventEmitter();
  findCaller.mockReturnValueOnce(once(slow, 'answer').then(() => live)).mockResolvedValue(null);
  const early = verifier.verify(token);
  await vi.waitFor(() => expect(findCaller).toHaveBeenCalled());
  verifier.forget(sessionId);
  slow.emit('answer');
  await early;
  await expect(verifier.verify(token)).rejects.toMatchObject({ code: 'token_invalid' });
});

test('a token that was good is refused from the second in which it expires', async () => {
  // Late in its second: what a token says is in whole ones.
  const second = new Date('2026-11-21T10:00:00Z').getTime();
  vi.useFakeTimers({ toFake: ['Date'], now: second + 999 });
  try {
    const { verifier, token } = await startVerifier();
    await verifier.verify(token);
    vi.setSystemTime(second + 59_999);
    await verifier.verify(token);
    vi.setSystemTime(second + 60_000);
    await expect(verifier.verify(token)).rejects.toMatchObject({ code: 'token_expired' });
  } finally {
    vi.useRealTimers();
  }
});

test('a token is checked once, and one that is not good each time', async () => {
  const { verifier, token } = await startVerifier();
  const checked = vi.spyOn(crypto.subtle, 'verify');
  for (let i = 0; i < 3; i++) await verifier.verify(token);
  expect(checked).toHaveBeenCalledTimes(1);
  const forged = `${token.slice(0, -6)}AAAAAA`;
  for (let i = 0; i < 3; i++) await expect(verifier.verify(forged)).rejects.toMatchObject({ code: 'token_invalid' });
  expect(checked).toHaveBeenCalledTimes(4);
  checked.mockRestore();
});

test('a failure is not remembered, nor does it make a newer read forgotten', async () => {
  const { verifier, findCaller, sessionId, token, live } = await startVerifier();
  const failing = new EventEmitter();
  findCaller.mockReturnValueOnce(once(failing, 'answer').then(() => live));
  const early = verifier.verify(token);
  await vi.waitFor(() => expect(findCaller).toHaveBeenCalled());
  verifier.forget(sessionId);
  await verifier.verify(token);
  failing.emit('error', new Error('connection lost'));
  await expect(early).rejects.toThrow('connection lost');
  expect(await verifier.verify(token)).toMatchObject({ userId: live.userId });
  expect(findCaller).toHaveBeenCalledTimes(2);
});

test('a key is looked up once a second, and a read that began before it was revoked is not remembered after it', async () => {
  const { verifier, findKey } = await startVerifier();
  const secret = newSecret();
  await Promise.all([verifier.verify(secret), verifier.verify(secret)]);
  expect(findKey).toHaveBeenCalledTimes(1);
  verifier.forgetKey(secretHashOf(secret));
  const slow = new EventEmitter();
  findKey.mockReturnValueOnce(once(slow, 'answer').then(() => ({ id: randomUUID(), scopes: [] })));
  const early = verifier.verify(secret);
  await vi.waitFor(() => expect(findKey).toHaveBeenCalledTimes(2));
  verifier.forgetKey(secretHashOf(secret));
  findKey.mockResolvedValue(null);
  slow.emit('answer');
  await early;
  await expect(verifier.verify(secret)).rejects.toMatchObject({ code: 'token_invalid' });
});

test('what only begins like a key is not looked up', async () => {
  const { verifier, findKey } = await startVerifier();
  for (const token of ['wb_', `${newSecret()}A`, newSecret().slice(0, -1), newSecret().replace(/.$/, '=')])
    await expect(verifier.verify(token)).rejects.toMatchObject({ code: 'token_invalid' });
  expect(findKey).not.toHaveBeenCalled();
});
