// Counting with others: who is asked, who is left alone, and what is remembered of what they said.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { readableLog, silent } from '../../../tests/support/room-database.ts';
import { resting, type HitCounter, type Hits } from '../hit-counter.ts';
import { LocalCounter } from '../local-counter.ts';
import { SharedCounter } from '../shared-counter.ts';

const LIMIT = { windowMs: 60_000, max: 3 };

/** One that says what it is told to say, and remembers what it was asked. */
function keeper(name = 'keeper') {
  const asked: string[] = [];
  let say: () => Promise<Hits> = async () => ({ count: 1, resetMs: 1000 });
  const counter: HitCounter = {
    name,
    hit: async (key) => {
      asked.push(key);
      return say();
    },
  };
  return { counter, asked, says: (next: typeof say) => (say = next) };
}
const away = async () => {
  throw new Error('away');
};

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));
afterEach(() => void vi.useRealTimers());

describe('one that does not answer', () => {
  test('is left alone for a second, then asked by one caller; the log has a line at each end', async () => {
    const { logger, lines } = readableLog();
    const { counter, asked, says } = keeper();
    const tired = resting(counter, logger);
    says(away);
    await expect(tired.hit('a', 1)).rejects.toThrow('away');
    await expect(tired.hit('a', 1)).rejects.toThrow('rests');
    vi.advanceTimersByTime(1001);
    const [first, second] = await Promise.allSettled([tired.hit('a', 1), tired.hit('a', 1)]);
    expect([first.status, second.status]).toEqual(['rejected', 'rejected']);
    expect(asked).toHaveLength(2);
    vi.advanceTimersByTime(1001);
    says(async () => ({ count: 4, resetMs: 10 }));
    expect(await tired.hit('a', 1)).toEqual({ count: 4, resetMs: 10 });
    expect(await tired.hit('a', 1)).toEqual({ count: 4, resetMs: 10 });
    expect(lines.map(({ msg }) => msg)).toEqual(['limits are counted without it', 'limits are counted with it again']);
  });
});

describe('several keepers', () => {
  test('the first that answers counts; the key tells them nothing', async () => {
    const [first, second] = [keeper(), keeper()];
    const counter = new SharedCounter([first.counter, second.counter]);
    first.says(away);
    second.says(async () => ({ count: 2, resetMs: 500 }));
    expect(await counter.hit('login ada@example.com', LIMIT)).toEqual({ count: 2, resetMs: 500 });
    expect(first.asked[0]).toMatch(/^[\w-]{43}$/);
    expect(second.asked).toEqual(first.asked);
  });

  test('when all are gone, nobody begins anew', async () => {
    const { counter, says } = keeper();
    const shared = new SharedCounter([resting(counter, silent)]);
    says(async () => ({ count: 3, resetMs: 60_000 }));
    await shared.hit('ada', LIMIT);
    says(away);
    expect((await shared.hit('ada', LIMIT)).count).toBe(4);
    expect((await shared.hit('bob', LIMIT)).count).toBe(1);
  });

  test('who is over the limit is refused without asking, until the window ends', async () => {
    const { counter, asked, says } = keeper();
    const shared = new SharedCounter([counter]);
    says(async () => ({ count: 4, resetMs: 1000 }));
    await shared.hit('ada', LIMIT);
    expect(await shared.hit('ada', LIMIT)).toMatchObject({ count: 5 });
    expect(asked).toHaveLength(1);
    vi.advanceTimersByTime(1001);
    says(async () => ({ count: 1, resetMs: 1000 }));
    expect(await shared.hit('ada', LIMIT)).toEqual({ count: 1, resetMs: 1000 });
  });
});

test('by itself a process counts per key and window', () => {
  const counter = new LocalCounter();
  expect([counter.hit('a', 1000), counter.hit('a', 1000).count, counter.hit('b', 1000).count]).toEqual([
    { count: 1, resetMs: 1000 },
    2,
    1,
  ]);
  vi.advanceTimersByTime(600);
  expect(counter.hit('a', 1000)).toEqual({ count: 3, resetMs: 400 });
  vi.advanceTimersByTime(500);
  expect(counter.hit('a', 1000)).toEqual({ count: 1, resetMs: 1000 });
});
