// What systemd is told, and what it tells: the real unit is tried by `npm run drill:systemd`.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { readableLog } from '../../../tests/support/room-database.ts';
import { loadSupervision } from '../../config/supervision.ts';
import { Systemd } from '../systemd.ts';

const given = { NOTIFY_SOCKET: '/run/systemd/notify', WATCHDOG_USEC: '20000000', WATCHDOG_PID: '7', LISTEN_FDS: '1', LISTEN_PID: '7' }; // prettier-ignore

describe('what systemd says', () => {
  test('is nothing when it did not start us', () => {
    expect(loadSupervision({}, 7)).toEqual({ isNotified: false, watchdogMs: null, listenFd: null });
  });

  test('is a socket, how often it wants a sign of life, and that it wants to be told', () => {
    expect(loadSupervision(given, 7)).toEqual({ isNotified: true, watchdogMs: 20_000, listenFd: 3 });
  });

  test('does not mean a child that inherited it', () => {
    expect(loadSupervision(given, 8)).toEqual({ isNotified: true, watchdogMs: null, listenFd: null });
  });

  test('is refused with two sockets: on the second nobody would answer', () => {
    expect(() => loadSupervision({ ...given, LISTEN_FDS: '2' }, 7)).toThrow('LISTEN_FDS: expected one ListenStream=');
  });
});

describe('what systemd hears', () => {
  beforeEach(() => vi.useFakeTimers());
  afterEach(() => vi.useRealTimers());

  /** @param deaf what cannot be told */
  function supervised(env: Record<string, string>, deaf?: string) {
    const { logger, lines } = readableLog();
    const heard: string[] = [];
    const tell = async (state: string) => {
      heard.push(state);
      if (state === deaf) throw new Error('spawn systemd-notify ENOENT');
    };
    return { systemd: new Systemd(loadSupervision(env, 7), logger, tell), lines, heard };
  }

  test('is nothing when it does not listen', async () => {
    const { systemd, heard } = supervised({});
    await systemd.ready();
    await systemd.stopping();
    expect(heard).toEqual([]);
  });

  test('is that we are ready, signs of life twice as often as it asks, also while we stop', async () => {
    const { systemd, heard } = supervised(given);
    await systemd.ready();
    await vi.advanceTimersByTimeAsync(20_000);
    await systemd.stopping();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(heard).toEqual(['READY=1', 'WATCHDOG=1', 'WATCHDOG=1', 'STOPPING=1', 'WATCHDOG=1']);
  });

  test('is no sign of life when it asks for none', async () => {
    const { systemd, heard } = supervised({ NOTIFY_SOCKET: '@socket' });
    await systemd.ready();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(heard).toEqual(['READY=1']);
  });

  test('a sign that could not be given is logged, and the next is given', async () => {
    const { systemd, lines, heard } = supervised(given, 'WATCHDOG=1');
    await systemd.ready();
    await vi.advanceTimersByTimeAsync(20_000);
    expect(heard).toEqual(['READY=1', 'WATCHDOG=1', 'WATCHDOG=1']);
    expect(lines.map(({ level, msg }) => [level, msg])).toEqual([['warn', 'no sign of life was given'], ['warn', 'no sign of life was given']]); // prettier-ignore
  });

  test('a start that cannot be told fails', async () => {
    const { systemd } = supervised(given, 'READY=1');
    await expect(systemd.ready()).rejects.toThrow('ENOENT');
  });
});
