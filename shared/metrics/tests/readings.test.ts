// Numbers of the database: asked for seldom, never waited for long, and missing rather than wrong.
import { expect, test, vi } from 'vitest';
import { Metrics } from '../metrics.ts';
import type { Sample } from '../readings.ts';

const gauges = { things: { help: 'Things by kind', labels: ['kind'] }, things_oldest_seconds: { help: 'Age' } };

function observed(read: () => Promise<Sample[]>, freshMs = 0) {
  const metrics = new Metrics({ freshMs });
  metrics.observe([{ of: 'test', gauges, read }]);
  const told = async () => (await metrics.text()).split('\n').filter((line) => line.startsWith('things'));
  const failures = async () => /^metrics_readings_failed_total\{of="test"\} (\d+)$/m.exec(await metrics.text())?.[1];
  return { metrics, told, failures };
}

test('what is not told any more is not there any more', async () => {
  const read = vi.fn<() => Promise<Sample[]>>();
  read.mockResolvedValueOnce([{ name: 'things', labels: { kind: 'a' }, value: 2 }]);
  read.mockResolvedValueOnce([
    { name: 'things', labels: { kind: 'b' }, value: 1 },
    { name: 'things_oldest_seconds', value: 7 },
  ]);
  const { told } = observed(read);
  expect(await told()).toEqual(['things{kind="a"} 2']);
  expect(await told()).toEqual(['things{kind="b"} 1', 'things_oldest_seconds 7']);
});

test('a failure takes its numbers away, is counted, and leaves the others', async () => {
  const read = vi.fn<() => Promise<Sample[]>>().mockResolvedValueOnce([{ name: 'things_oldest_seconds', value: 7 }]);
  read.mockRejectedValue(new Error('no database'));
  const { told, failures, metrics } = observed(read);
  expect(await told()).toEqual(['things_oldest_seconds 7']);
  expect(await told()).toEqual([]);
  expect(await failures()).toBe('1');
  expect(await metrics.text()).toContain('# TYPE http_server_request_duration_seconds histogram');
});

test('many who ask at once, and soon after, are one question', async () => {
  const read = vi.fn<() => Promise<Sample[]>>().mockResolvedValue([]);
  const { metrics } = observed(read, 60_000);
  await Promise.all([metrics.text(), metrics.text(), metrics.text()]);
  await metrics.text();
  expect(read).toHaveBeenCalledTimes(1);
});

test('a database that does not answer delays a look by a second, and is not asked again meanwhile', async () => {
  const read = vi.fn<() => Promise<Sample[]>>(() => new Promise(() => undefined));
  const { metrics } = observed(read);
  expect(await metrics.text()).toContain('http_server_errors_total');
  expect(await metrics.text()).toContain('http_server_errors_total');
  expect(read).toHaveBeenCalledTimes(1);
});

test('counters begin at 0 where their labels are known, so that the first step is seen', async () => {
  const metrics = new Metrics();
  const count = metrics.counter({ name: 'x_total', help: 'x', labels: { a: ['1', '2'], b: ['3'] } });
  count({ a: '1', b: '3' });
  metrics.cacheCounter('rooms')(true);
  const lines = (await metrics.text()).split('\n').filter((line) => /^(x|cache)_\w+\{/.test(line));
  expect(lines).toEqual([
    'cache_requests_total{cache="rooms",result="hit"} 1',
    'cache_requests_total{cache="rooms",result="miss"} 0',
    'x_total{a="1",b="3"} 1',
    'x_total{a="2",b="3"} 0',
  ]);
});

test('looks into a cache are told once, however often the numbers are asked for', async () => {
  const metrics = new Metrics();
  const count = metrics.cacheCounter('doors');
  count(true);
  count(false);
  count(true);
  await metrics.text();
  const text = await metrics.text();
  expect(text).toContain('cache_requests_total{cache="doors",result="hit"} 2\n');
  expect(text).toContain('cache_requests_total{cache="doors",result="miss"} 1\n');
});
