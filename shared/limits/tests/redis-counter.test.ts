// A real Redis that counts for four processes, dies, freezes, and comes back.
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { lacksRedis, startRedis, type Redis } from '../../../tests/support/redis.ts';
import { readableLog, until } from '../../../tests/support/room-database.ts';
import { resting } from '../hit-counter.ts';
import { RedisCounter } from '../redis-counter.ts';
import { SharedCounter } from '../shared-counter.ts';

const LIMIT = { windowMs: 60_000, max: 1000 };
let keys = 0;
const newKey = () => `key ${++keys}`;

describe.skipIf(lacksRedis)('Redis', () => {
  let redis: Redis;
  const opened: RedisCounter[] = [];

  beforeAll(async () => {
    redis = await startRedis();
  });
  afterEach(() => {
    for (const counter of opened.splice(0)) counter.close();
  });
  afterAll(() => redis.kill('SIGKILL'));

  function replica() {
    const { logger, lines } = readableLog('info');
    const keeper = new RedisCounter(redis.url, logger);
    opened.push(keeper);
    return { keeper, lines, counter: new SharedCounter([resting(keeper, logger)]) };
  }

  const counts = async (replicas: ReturnType<typeof replica>[], key: string): Promise<number[]> => {
    const found = [];
    for (const { counter } of replicas) found.push((await counter.hit(key, LIMIT)).count);
    return found;
  };

  /** Hits of its own until they are counted there. */
  const untilShared = ({ keeper }: ReturnType<typeof replica>) =>
    until(() => keeper.hit(newKey(), 1000).then(() => true, () => false)); // prettier-ignore

  test('four processes count as one, in one window', async () => {
    const [first, second] = [replica(), replica()];
    const replicas = [first, second, replica(), replica()];
    for (const one of replicas) await untilShared(one);
    const key = newKey();
    expect(await counts([...replicas, ...replicas], key)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    const { resetMs } = await first.counter.hit(key, LIMIT);
    expect(resetMs).toBeGreaterThan(0);
    expect(resetMs).toBeLessThanOrEqual(LIMIT.windowMs);
    const short = newKey();
    expect((await first.keeper.hit(short, 20)).count).toBe(1);
    await expect.poll(async () => (await second.keeper.hit(short, 20)).count).toBe(1);
  });

  test.each(['SIGKILL', 'SIGSTOP'] as const)(
    'when it gets %s each process goes on from what it knows, and shares again when it is back',
    async (signal) => {
      const replicas = [replica(), replica()];
      for (const one of replicas) await untilShared(one);
      const key = newKey();
      expect(await counts([...replicas, ...replicas], key)).toEqual([1, 2, 3, 4]);
      await redis.kill(signal);
      expect(await counts([...replicas, ...replicas], key)).toEqual([4, 5, 5, 6]);
      if (signal === 'SIGKILL') await redis.start();
      else await redis.kill('SIGCONT');
      for (const one of replicas) await untilShared(one);
      const after = newKey();
      const all = () => counts(replicas, after).then(([one = 0, other = 0]) => other - one);
      await expect.poll(all, { timeout: 10_000 }).toBe(1);
      expect(replicas.flatMap(({ lines }) => lines).map(({ msg }) => msg)).toEqual(
        expect.arrayContaining(['limits are counted without it', 'limits are counted with it again']),
      );
    },
    30_000,
  );

  test('a process starts without it', async () => {
    await redis.kill('SIGKILL');
    const alone = replica();
    const key = newKey();
    expect(await counts([alone, alone], key)).toEqual([1, 2]);
    await redis.start();
    await untilShared(alone);
  });
});
