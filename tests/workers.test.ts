// Several workers behind one port: they live and are replaced without anybody noticing, and count as one.
import { Agent, request } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { key, startTestApp, type Person, type TestApp } from './support/app.ts';
import { startServerProcess, type ServerProcess } from './support/server-process.ts';

let app: TestApp;
let buyer: Person;
let fleet: ServerProcess;

beforeAll(async () => {
  app = await startTestApp();
  buyer = await app.signIn();
  fleet = await startServerProcess({ DATABASE_URL: app.databaseUrlFor('waybill'), WORKERS: '2' });
});
afterAll(async () => {
  await fleet.stop();
  await app.close();
});

/** One client with one connection, kept alive as long as the server likes. */
function client(): (sku: string) => Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const headers = () => ({ ...buyer.auth, ...key(), 'Content-Type': 'application/json' });
  return (sku) =>
    new Promise((resolve, reject) => {
      const sent = request(`${fleet.url}/api/v1/orders`, { method: 'POST', agent, headers: headers() }, (answer) => {
        answer.resume().once('end', () => resolve(answer.statusCode ?? 0));
      });
      sent.once('error', reject);
      sent.end(JSON.stringify({ lines: [{ sku, quantity: 1 }] }));
    });
}

const said = (text: string): number => fleet.log.filter((line) => line.includes(text)).length;
const untilSaid = async (text: string, times: number): Promise<void> =>
  await expect.poll(() => said(text), { timeout: 60_000, interval: 50 }).toBeGreaterThanOrEqual(times);

const pidOf = (line: string): number => (JSON.parse(line) as { pid: number }).pid;

const placed = async (): Promise<number> => {
  const text = await (await fetch(`${fleet.url}/metrics`)).text();
  return Number(/^facts_recorded_total\{type="order.placed"\} (\d+)$/m.exec(text)?.[1]);
};

describe('two workers', () => {
  test('are replaced one by one on SIGHUP, and no request fails', async () => {
    const { sku } = await app.sellable({ onHand: 100_000 });
    const end = new AbortController();
    const statuses: number[] = [];
    const failures: unknown[] = [];
    const shop = async (post: ReturnType<typeof client>) => {
      while (!end.signal.aborted) await post(sku).then((status) => statuses.push(status), (error: unknown) => failures.push(error)); // prettier-ignore
    };
    const clients = Array.from({ length: 16 }, () => shop(client()));
    for (const reloads of [1, 2]) {
      fleet.child.kill('SIGHUP');
      await untilSaid('"msg":"reloaded"', reloads);
    }
    end.abort();
    await Promise.all(clients);
    expect(failures).toEqual([]);
    expect(new Set(statuses)).toEqual(new Set([201]));
    expect(said('"msg":"worker left"')).toBe(4);
    const [orders] = await app.sql<{ count: number }>('SELECT count(*)::int AS count FROM orders.orders');
    expect(orders?.count).toBe(statuses.length);
  }, 180_000);

  test('tell their numbers as one, and a replaced worker’s are not forgotten', async () => {
    const [orders] = await app.sql<{ count: number }>('SELECT count(*)::int AS count FROM orders.orders');
    expect(await placed()).toBe(orders?.count);
  });

  test('one that is killed is made again, and what it counted stays counted', async () => {
    const counted = await placed();
    const [line = ''] = fleet.log.filter((one) => one.includes('"msg":"worker listening"')).slice(-1);
    const before = said('"msg":"worker listening"');
    process.kill(pidOf(line), 'SIGKILL');
    await untilSaid('"msg":"worker listening"', before + 1);
    expect(said('"msg":"worker died"')).toBe(1);
    expect((await fetch(`${fleet.url}/ready`)).status).toBe(200);
    expect(await placed()).toBe(counted);
  }, 60_000);

  test('leave together with the primary, which ends with 0', async () => {
    expect(await fleet.stop()).toBe(0);
    await expect(fetch(`${fleet.url}/health`)).rejects.toThrow('fetch failed');
  });
});

test('workers that cannot live are given up, after few forks', async () => {
  const start = startServerProcess({
    DATABASE_URL: app.databaseUrlFor('waybill'),
    WORKERS: '4',
    // The primary never listens, so only workers trip over it.
    HOST: '203.0.113.1',
  });
  const log = await start.then(() => '', String);
  expect(log).toContain('the server ended with 1');
  const deaths = log.split('\n').filter((line) => line.includes('"msg":"worker died"'));
  expect(deaths).toHaveLength(5);
}, 120_000);
