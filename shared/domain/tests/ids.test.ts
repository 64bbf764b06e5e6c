// Ids are UUIDv7: sorted by the time they were made, no two alike.
import { expect, test } from 'vitest';
import { isUuid } from '../../http/schemas.ts';
import { newId } from '../ids.ts';

test('ten thousand made at once differ, and stand in the order in which they were made', () => {
  const ids = Array.from({ length: 10_000 }, newId);
  expect(new Set(ids).size).toBe(ids.length);
  expect(ids).toEqual(ids.toSorted());
  expect(ids.filter((id) => !isUuid(id) || id[14] !== '7')).toEqual([]);
});
