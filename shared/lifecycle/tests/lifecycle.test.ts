// The end of a process: in reverse, in time, and whatever goes wrong with one stage does not keep the others from it.
import { describe, expect, test } from 'vitest';
import { gate, readableLog } from '../../../tests/support/room-database.ts';
import { Lifecycle } from '../lifecycle.ts';
import { within } from '../within.ts';

function started(timeoutMs = 1000) {
  const { logger, lines } = readableLog();
  return { lifecycle: new Lifecycle({ logger, timeoutMs }), lines, closed: [] as string[] };
}

describe('stopping', () => {
  test('closes in reverse what was opened, one after the other', async () => {
    const { lifecycle, closed } = started();
    const pool = gate();
    lifecycle.onStop('database', () => void closed.push('database'));
    lifecycle.onStop('pool', async () => {
      await pool.opened;
      closed.push('pool');
    });
    lifecycle.onStop('http', async () => void closed.push('http'));
    expect(lifecycle.isStopping).toBe(false);
    const stopping = lifecycle.stop();
    expect(lifecycle.isStopping).toBe(true);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(closed).toEqual(['http']);
    pool.open();
    expect(await stopping).toBe(true);
    expect(closed).toEqual(['http', 'pool', 'database']);
  });

  test('goes on past a stage that fails, and says that it was not clean', async () => {
    const { lifecycle, lines, closed } = started();
    lifecycle.onStop('database', () => void closed.push('database'));
    lifecycle.onStop('events', () => Promise.reject(new Error('rejected')));
    lifecycle.onStop('http', () => {
      throw new Error('thrown');
    });
    expect(await lifecycle.stop()).toBe(false);
    expect(closed).toEqual(['database']);
    expect(lines.map(({ stage, level }) => [stage, level])).toEqual([
      ['http', 'error'],
      ['events', 'error'],
    ]);
  });

  test('does not wait for a stage beyond the deadline; the stages after it still get a moment', async () => {
    const { lifecycle, lines, closed } = started(150);
    lifecycle.onStop('database', async () => {
      await new Promise((resolve) => setTimeout(resolve, 30));
      closed.push('database');
    });
    lifecycle.onStop('http', () => new Promise(() => undefined));
    expect(await lifecycle.stop()).toBe(false);
    expect(closed).toEqual(['database']);
    expect(lines).toMatchObject([{ stage: 'http', msg: 'stage did not stop cleanly' }]);
  });

  test('happens once, however often it is asked for', async () => {
    const { lifecycle, closed } = started();
    lifecycle.onStop('http', () => void closed.push('http'));
    const [one, other] = [lifecycle.stop(), lifecycle.stop()];
    expect(one).toBe(other);
    await Promise.all([one, other]);
    expect(closed).toEqual(['http']);
  });

  test('has nothing to do where nothing was opened', async () => expect(await started().lifecycle.stop()).toBe(true));
});

describe('a deadline', () => {
  test('passes on what came in time', async () => {
    expect(await within(1000, async () => 'done')).toBe('done');
    await expect(within(1000, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  });

  test('tells how long it waited', async () => {
    await expect(within(20, () => new Promise(() => undefined))).rejects.toThrow('not done within 20 ms');
  });
});
