// How long a failed delivery waits, as a table.
import { expect, test } from 'vitest';
import { ATTEMPTS_MAX, backOffMs } from '../back-off.ts';

test.each([
  [1, 0.5, 1000],
  [2, 0.5, 2000],
  [3, 0.5, 4000],
  [10, 0.5, 512_000],
  [11, 0.5, 600_000],
  [15, 0.5, 600_000],
  [1000, 0.5, 600_000],
  [1, 0, 500],
  [1, 0.999, 1499],
  [11, 0, 300_000],
  [11, 0.9999, 899_940],
])('after attempt %i with random %d: %i ms', (attempts, random, expected) => {
  expect(backOffMs(attempts, random)).toBe(expected);
});

test('a delivery is tried for one to two hours before it is dead', () => {
  const waits = Array.from({ length: ATTEMPTS_MAX - 1 }, (_one, i) => backOffMs(i + 1, 0.5));
  const totalMinutes = waits.reduce((sum, wait) => sum + wait, 0) / 60_000;
  expect(totalMinutes).toBeGreaterThan(50);
  expect(totalMinutes).toBeLessThan(120);
});
