// What the client sends again, what it does not, and how long it waits.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ConnectionError, isProblem, type ProblemError } from '../src/index.ts';
import { answer, fakeServer, lines, lost, order, problem } from './fake-server.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

/** Lets all waits pass, and tells how long they were together. */
async function settled<T>(call: Promise<T>): Promise<{ value?: T; error?: unknown; waitedMs: number }> {
  const begin = Date.now();
  const outcome = call.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  await vi.runAllTimersAsync();
  return { ...(await outcome), waitedMs: Date.now() - begin };
}
const keysOf = (asked: { headers: Record<string, string> }[]) => asked.map(({ headers }) => headers['Idempotency-Key']);

describe('an intent with a key', () => {
  test.each([
    ['a lost connection', lost],
    ['503', problem(503, 'database_unavailable')],
    ['429', problem(429, 'rate_limited')],
    ['a twin that is under way', problem(409, 'idempotency_in_progress')],
    ['a proxy that found nobody', () => new Response('<h1>Bad gateway</h1>', { status: 502 })],
  ])('%s: is sent again under the same key', async (_what, failure) => {
    const { asked, client } = fakeServer(failure, failure, answer(201, order, { 'Idempotency-Replayed': 'true' }));
    const { value } = await settled(client().placeOrder(lines));
    expect(value).toMatchObject({ status: 201, data: { id: 'o1' }, isReplay: true });
    expect(new Set(keysOf(asked)).size).toBe(1);
    expect(keysOf(asked)[0]).toMatch(/^[0-9a-f-]{36}$/);
    expect(asked.map(({ body }) => body)).toEqual([lines.body, lines.body, lines.body]);
  });

  test('has a key of its own, or the one you pass', async () => {
    const { asked, client } = fakeServer(answer(201, order));
    const waybill = client();
    await waybill.placeOrder(lines);
    await waybill.placeOrder(lines);
    await waybill.placeOrder({ ...lines, idempotencyKey: 'mine' });
    expect(new Set(keysOf(asked)).size).toBe(3);
    expect(keysOf(asked)[2]).toBe('mine');
  });

  test('is given up after five tries; the error brings the key with which to go on', async () => {
    const { asked, client } = fakeServer(lost);
    const { error } = await settled(client().placeOrder(lines));
    expect(asked).toHaveLength(5);
    expect(error).toBeInstanceOf(ConnectionError);
    expect((error as ConnectionError).idempotencyKey).toBe(keysOf(asked)[0]);
  });

  test('is not sent again when it was refused', async () => {
    const { asked, client } = fakeServer(problem(409, 'price_changed'));
    const { error } = await settled(client().placeOrder(lines));
    expect(asked).toHaveLength(1);
    expect(isProblem(error, 'price_changed')).toBe(true);
    expect(isProblem(error, 'insufficient_stock')).toBe(false);
    expect((error as ProblemError).requestId).toBe('r1');
  });
});

describe('what has no key', () => {
  const registration = { body: { email: 'a@example.com', name: 'A', password: 'x' } };

  test.each([
    ['a lost connection', lost],
    ['503', problem(503, 'database_unavailable')],
  ])('%s: is not sent again, for it may have been done', async (_what, failure) => {
    const { asked, client } = fakeServer(failure);
    const { error } = await settled(client().registerUser(registration));
    expect(error).toBeInstanceOf(Error);
    expect(asked).toHaveLength(1);
  });

  test('429: is sent again, for nothing was done', async () => {
    const { asked, client } = fakeServer(problem(429, 'rate_limited'), answer(201, { data: {} }));
    expect((await settled(client().registerUser(registration))).value?.status).toBe(201);
    expect(asked).toHaveLength(2);
  });

  test('a read is sent again', async () => {
    const { asked, client } = fakeServer(lost, answer(200, order));
    expect((await settled(client().getOrder({ params: { id: 'a/b' } }))).value?.data.id).toBe('o1');
    expect(asked[1]?.url).toBe('http://waybill.test/api/v1/orders/a%2Fb');
  });
});

describe('the wait', () => {
  test('is as long as Retry-After says, in seconds', async () => {
    const { client } = fakeServer(problem(503, 'database_busy', { 'Retry-After': '7' }), answer(201, order));
    expect((await settled(client().placeOrder(lines))).waitedMs).toBe(7000);
  });

  test('or as a date', async () => {
    vi.setSystemTime('2026-11-21T10:00:00Z');
    const later = { 'Retry-After': 'Sat, 21 Nov 2026 10:00:03 GMT' };
    const { client } = fakeServer(problem(429, 'rate_limited', later), answer(201, order));
    expect((await settled(client().placeOrder(lines))).waitedMs).toBe(3000);
  });

  test('grows without it, and is never nothing', async () => {
    const { client } = fakeServer(lost);
    const { waitedMs } = await settled(client().placeOrder(lines));
    expect(waitedMs).toBeGreaterThanOrEqual((200 + 400 + 800 + 1600) / 2);
    expect(waitedMs).toBeLessThanOrEqual(200 + 400 + 800 + 1600);
  });

  test('longer than 30 s is not made: the failure is yours', async () => {
    const { asked, client } = fakeServer(problem(429, 'rate_limited', { 'Retry-After': '900' }));
    const { error, waitedMs } = await settled(client().placeOrder(lines));
    expect([asked.length, waitedMs, (error as ProblemError).retryAfterMs]).toEqual([1, 0, 900_000]);
  });

  test('ends when the caller no longer wants it', async () => {
    const { asked, client } = fakeServer(problem(503, 'database_busy', { 'Retry-After': '20' }));
    const stop = new AbortController();
    const call = settled(client().placeOrder({ ...lines, signal: stop.signal }));
    setTimeout(() => stop.abort(new Error('changed my mind')), 5000);
    const { error, waitedMs } = await call;
    expect(error).toMatchObject({ message: 'changed my mind' });
    expect([asked.length, waitedMs]).toEqual([1, 5000]);
  });

  test('for an answer has an end', async () => {
    const silent = fakeServer(() => new Promise(() => {}));
    const hanging = ((_url: string, { signal }: RequestInit) =>
      new Promise((_, reject) =>
        signal?.addEventListener('abort', () => reject(signal.reason as Error)),
      )) as typeof globalThis.fetch;
    const waybill = silent.client({ fetch: hanging, timeoutMs: 1000, retry: { attemptsMax: 1 } });
    const { error, waitedMs } = await settled(waybill.placeOrder(lines));
    expect(waitedMs).toBe(1000);
    expect((error as ConnectionError).cause).toMatchObject({ message: 'no answer within 1000 ms' });
  });
});
