// Ids are UUIDv7: sorted by the time they were made, no two alike.
import { expect, test, vi } from 'vitest';
import { isUuid } from '../../http/schemas.ts';
import { newId } from '../ids.ts';

test('ten thousand made at once differ, and stand in the order in which they were made', () => {
  const ids = Array.from({ length: 10_000 }, newId);
  expect(new Set(ids).size).toBe(ids.length);
  expect(ids).toEqual(ids.toSorted());
  expect(ids.filter((id) => !isUuid(id) || id[14] !== '7')).toEqual([]);
});

test('an id tells when it was made, also of more than 4096 in a millisecond', () => {
  const before = Date.now();
  const ids = Array.from({ length: 50_000 }, newId);
  const madeAt = (id = '') => Number.parseInt(id.replace('-', '').slice(0, 12), 16);
  expect(madeAt(ids[0])).toBeGreaterThanOrEqual(before);
  expect(madeAt(ids.at(-1))).toBeLessThanOrEqual(Date.now() + ids.length / 4096);
});

test('a clock that goes back makes no id that stands before an older one', () => {
  const now = Date.now();
  vi.useFakeTimers({ now });
  try {
    const before = newId();
    vi.setSystemTime(now - 60_000);
    expect(newId() > before).toBe(true);
  } finally {
    vi.useRealTimers();
  }
});
