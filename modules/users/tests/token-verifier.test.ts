// What is remembered of a session, and what must not be.
import { randomUUID } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { expect, test, vi } from 'vitest';
import type { Database } from '../../../shared/database/database.ts';
import { AccessTokens } from '../access-tokens.ts';
import type { Caller } from '../session.repository.ts';
import { TokenVerifier } from '../token-verifier.ts';

const accessTokens = new AccessTokens({ secret: 'a secret of at least thirty-two characters', ttlMs: 60_000 });
const unasked = (): never => {
  throw new Error('only findCaller asks the database here');
};
const database: Database = { query: unasked, transaction: unasked, join: unasked };

async function startVerifier() {
  const [userId, sessionId] = [randomUUID(), randomUUID()];
  const findCaller = vi.fn<() => Promise<Caller | null>>().mockResolvedValue({ userId, role: 'customer' });
  const verifier = new TokenVerifier({ database, sessions: { findCaller }, accessTokens });
  return {
    verifier,
    findCaller,
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
