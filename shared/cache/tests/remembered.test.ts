// What is remembered of many at once.
import { expect, test } from 'vitest';
import { Remembered } from '../remembered.ts';

function remembering() {
  const hits: boolean[] = [];
  const asked: string[][] = [];
  const remembered = new Remembered<string | undefined>({ max: 10, ttlMs: () => 60_000, count: (isHit) => hits.push(isHit) }); // prettier-ignore
  const find = (...keys: string[]) =>
    remembered.findAll(keys, async (missing) => {
      asked.push(missing);
      return missing.map((key) => (key.startsWith('no') ? undefined : key.toUpperCase()));
    });
  return { remembered, find, hits, asked };
}

test('many are found by one read of those that are not remembered', async () => {
  const { find, hits, asked } = remembering();
  expect(await find('a', 'b')).toEqual(['A', 'B']);
  expect(await find('c', 'a', 'd', 'b')).toEqual(['C', 'A', 'D', 'B']);
  expect(await find('d')).toEqual(['D']);
  expect(asked).toEqual([['a', 'b'], ['c', 'd']]); // prettier-ignore
  expect(hits).toEqual([false, false, false, true, false, true, true]);
});

test('who asks meanwhile shares the read', async () => {
  const { find, asked } = remembering();
  expect(await Promise.all([find('a', 'b'), find('b', 'a')])).toEqual([['A', 'B'], ['B', 'A']]); // prettier-ignore
  expect(asked).toEqual([['a', 'b']]);
});

test('what is not there, is forgotten or failed is asked for again', async () => {
  const { remembered, find, asked } = remembering();
  expect(await find('none', 'a')).toEqual([undefined, 'A']);
  expect(await find('none', 'a')).toEqual([undefined, 'A']);
  remembered.forget('a');
  expect(await find('a')).toEqual(['A']);
  expect(asked).toEqual([['none', 'a'], ['none'], ['a']]);
  await expect(remembered.findAll(['x', 'y'], () => Promise.reject(new Error('away')))).rejects.toThrow('away');
  expect(await find('x', 'y')).toEqual(['X', 'Y']);
});
