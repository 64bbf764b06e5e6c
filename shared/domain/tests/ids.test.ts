// Ids are UUIDv7: sorted by the time they were made, no two alike.
import { expect, test } from 'vitest';
import { isUuid } from '../../http/schemas.ts';
import { newId, newRequestId } from '../ids.ts';

test('ten thousand made at once differ, and stand in the order in which they were made', () => {
  const ids = Array.from({ length: 10_000 }, newId);
  expect(new Set(ids).size).toBe(ids.length);
  expect(ids).toEqual(ids.toSorted());
  expect(ids.filter((id) => !isUuid(id) || id[14] !== '7')).toEqual([]);
});

test('ids of requests differ, too, and tell in the same way when they were made', () => {
  const before = Date.now();
  const ids = Array.from({ length: 10_000 }, newRequestId);
  expect(new Set(ids).size).toBe(ids.length);
  expect(ids.filter((id) => !isUuid(id) || id[14] !== '7')).toEqual([]);
  const madeAt = (id = '') => Number.parseInt(id.replace('-', '').slice(0, 12), 16);
  expect(madeAt(ids[0])).toBeGreaterThanOrEqual(before);
  expect(madeAt(ids.at(-1))).toBeLessThanOrEqual(Date.now());
});
