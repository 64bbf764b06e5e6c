// Four workers behind one port, without Redis: a caller has one limit, however many answer.
import { request } from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { crowd } from './support/crowd.ts';
import { startTestApp, type TestApp } from './support/app.ts';
import { startServerProcess, type ServerProcess } from './support/server-process.ts';

const REQUESTS_MAX = 60;
let app: TestApp;
let fleet: ServerProcess;

beforeAll(async () => {
  app = await startTestApp();
  fleet = await startServerProcess({
    DATABASE_URL: app.databaseUrlFor('waybill'),
    WORKERS: '4',
    TRUST_PROXY: '1',
    RATE_LIMIT_MAX: String(REQUESTS_MAX),
    LOGIN_RATE_LIMIT_MAX: '5',
  });
}, 180_000);
afterAll(async () => {
  await fleet.stop();
  await app.close();
});

/** On a connection of its own: the primary hands them to its workers in turn. */
const ask = (method: string, path: string, address: string, body = ''): Promise<number> =>
  new Promise((resolve, reject) => {
    const headers = { 'X-Forwarded-For': address, 'Content-Type': 'application/json' };
    const sent = request(`${fleet.url}${path}`, { method, headers, agent: false }, (answer) => {
      answer.resume().once('end', () => resolve(answer.statusCode ?? 0));
    });
    sent.once('error', reject);
    sent.end(body);
  });

const count = (statuses: number[], status: number) => statuses.filter((one) => one === status).length;
const lapses = (): number => fleet.log.filter((line) => line.includes('limits are counted without it')).length;

/** A machine that stands still for 200 ms makes workers count alone for a moment, as they should; it is tried again then. */
async function withoutLapse(attempt: (i: number) => Promise<number[]>): Promise<number[]> {
  for (let i = 1; ; i++) {
    const before = lapses();
    const statuses = await attempt(i);
    if (lapses() === before || i === 5) return statuses;
  }
}

test('the sixth login to an account is refused, from whatever address', async () => {
  const statuses = await withoutLapse(async (i) => {
    const body = JSON.stringify({ email: `ada${i}@example.com`, password: 'wrong' });
    const answers = [];
    for (let j = 1; j <= 6; j++) answers.push(await ask('POST', '/api/v1/auth/login', `203.0.113.${i * 10 + j}`, body));
    return answers;
  });
  expect(statuses).toEqual([401, 401, 401, 401, 401, 429]);
});

test('an address has one limit, whatever it says that it was forwarded for; probes and providers have none', async () => {
  const address = (i: number) => `198.51.100.${i}`;
  let last = '';
  const statuses = await withoutLapse((i) => {
    last = address(i);
    return crowd(Array.from({ length: 300 }), 16, (_, j) => ask('GET', '/api/v1/products', `10.0.${i}.${j}, ${last}`));
  });
  expect([count(statuses, 200), count(statuses, 429)]).toEqual([REQUESTS_MAX, 300 - REQUESTS_MAX]);
  for (const path of ['/health', '/ready', '/version', '/metrics']) expect(await ask('GET', path, last)).toBe(200);
  expect(await ask('POST', '/api/v1/payments/webhooks/test', last, '{}')).toBe(400);
});
