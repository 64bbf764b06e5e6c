// Processes whose clocks are an hour early and an hour late: nothing happens twice, nothing early, and each takes the other's tokens.
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestApp, type TestApp } from './support/app.ts';
import { startServerProcess, type ServerProcess } from './support/server-process.ts';

const HOUR_MS = 3_600_000;
const TTL_MS = 6000;
/** Of an hour: a busy machine is late by seconds. */
const NEAR_MS = 60_000;

let app: TestApp;
let early: ServerProcess;
let late: ServerProcess;
beforeAll(async () => {
  app = await startTestApp();
  [early, late] = await Promise.all([-HOUR_MS, HOUR_MS].map(startAt)) as [ServerProcess, ServerProcess]; // prettier-ignore
});
afterAll(async () => {
  await Promise.all([early.stop(), late.stop()]);
  await app.close();
});

/** Another clock on the wall, whoever looks at it; what measures durations runs as ever. */
const clockOff = (ms: number) => `
  const Right = Date;
  globalThis.Date = class extends Right {
    constructor(...given) { super(...(given.length === 0 ? [Right.now() + ${ms}] : given)); }
    static now() { return Right.now() + ${ms}; }
  };`;
const startAt = (ms: number) =>
  startServerProcess({
    DATABASE_URL: app.databaseUrlFor('waybill'),
    ACCESS_TOKEN_TTL_MS: String(TTL_MS),
    LOG_LEVEL: 'debug',
    NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(clockOff(ms))}`,
  });

const call = async (server: ServerProcess, path: string, { token, body }: { token?: string; body?: object } = {}) => {
  const response = await fetch(`${server.url}/api/v1${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: {
      'Content-Type': 'application/json',
      'Idempotency-Key': randomUUID(),
      ...(token !== undefined && { Authorization: `Bearer ${token}` }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const answer = (await response.json()) as { code?: string; data: Record<string, string> };
  return { status: response.status, code: answer.code, data: answer.data };
};

const databaseNow = async () => Number((await app.sql('SELECT extract(epoch FROM now()) * 1000 AS now'))[0]?.['now']);

test('a token of either is good at the other, for as long as it says and no longer', async () => {
  const person = { email: 'ada@example.com', password: 'Correct-Horse-9' };
  await call(early, '/users', { body: { ...person, name: 'Ada' } });
  for (const [one, other] of [
    [early, late],
    [late, early],
  ] as const) {
    const { data } = await call(one, '/auth/login', { body: person });
    const token = data['accessToken'] ?? '';
    const { iat, exp } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as { iat: number; exp: number }; // prettier-ignore
    expect(Math.abs(iat * 1000 - (await databaseNow()))).toBeLessThan(NEAR_MS);
    expect(exp - iat).toBe(TTL_MS / 1000);
    expect((await call(other, '/users/me', { token })).status).toBe(200);
    await sleep(TTL_MS + 200);
    for (const server of [one, other])
      expect(await call(server, '/users/me', { token })).toMatchObject({ status: 401, code: 'token_expired' });
  }
});

test('an order placed by one is neither expired nor forgotten by the other', async () => {
  const { sku } = await app.sellable();
  const person = { email: 'bob@example.com', password: 'Correct-Horse-9' };
  await call(late, '/users', { body: { ...person, name: 'Bob' } });
  const key = randomUUID();
  for (const server of [late, early]) {
    const { data } = await call(server, '/auth/login', { body: person });
    const placed = await call(server, '/orders', { token: data['accessToken'] ?? '', body: { lines: [{ sku, quantity: 1 }], note: key } }); // prettier-ignore
    expect(Math.abs(Date.parse(placed.data['placedAt'] ?? '') - (await databaseNow()))).toBeLessThan(NEAR_MS);
  }
  const runs = () => [early, late].flatMap(({ log }) => log.filter((line) => line.includes('"job":"orders.expire"'))).length; // prettier-ignore
  const [before, deadline] = [runs(), Date.now() + 60_000];
  while (runs() < before + 2 && Date.now() < deadline) await sleep(50);
  expect(runs()).toBeGreaterThanOrEqual(before + 2);
  const orders = await app.sql('SELECT status FROM orders.orders WHERE note = $1', [key]);
  expect(orders).toEqual([{ status: 'pending_payment' }, { status: 'pending_payment' }]);
  const keys = await app.sql(`SELECT count(*)::int AS count FROM idempotency.keys WHERE scope LIKE '%/orders%'`);
  expect(keys).toEqual([{ count: 2 }]);
});
