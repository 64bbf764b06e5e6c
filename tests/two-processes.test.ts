// Two server processes on one database: what one process could guard in memory must hold all the same.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { key, startTestApp, type Person, type TestApp } from './support/app.ts';
import { createAnswerCheck, type AnswerCheck } from './support/api.ts';
import { crowd } from './support/crowd.ts';
import { startServerProcess, type ServerProcess } from './support/server-process.ts';

let app: TestApp;
let servers: [ServerProcess, ServerProcess];
let check: AnswerCheck;

beforeAll(async () => {
  app = await startTestApp();
  check = createAnswerCheck(app.document as never);
  const env = { DATABASE_URL: app.databaseUrlFor('waybill') };
  servers = await Promise.all([startServerProcess(env), startServerProcess(env)]);
});
afterAll(async () => {
  await Promise.all(servers.map((server) => server.stop()));
  await app.close();
});

type Answer = { status: number; code: string | undefined; id: string | undefined };

async function place(i: number, buyer: Person, sku: string, headers: Record<string, string>): Promise<Answer> {
  const { url } = servers[i % 2 === 0 ? 0 : 1];
  const response = await fetch(`${url}/api/v1/orders`, {
    method: 'POST',
    headers: { ...buyer.auth, ...headers, 'Content-Type': 'application/json' },
    body: JSON.stringify({ lines: [{ sku, quantity: 1 }] }),
  });
  const body = (await response.json()) as { code?: string; data?: { id: string } };
  const type = response.headers.get('content-type')?.split(';', 1)[0] ?? '';
  check('post', '/api/v1/orders', { status: response.status, type, body });
  return { status: response.status, code: body.code, id: body.data?.id };
}

const count = (answers: Answer[], status: number) => answers.filter((answer) => answer.status === status).length;

test('640 buyers, 64 at once, want 100 units: exactly 100 get one', async () => {
  const { sku } = await app.sellable({ onHand: 100 });
  const buyer = await app.signIn();
  const answers = await crowd(Array.from({ length: 640 }), 64, (_, i) => place(i, buyer, sku, key()));

  expect(count(answers, 201)).toBe(100);
  expect(answers.filter(({ status }) => status === 422).every(({ code }) => code === 'insufficient_stock')).toBe(true);
  expect(count(answers, 422)).toBe(540);
  const [level] = await app.sql('SELECT on_hand, reserved FROM catalog.stock WHERE sku = $1', [sku]);
  const [ledger] = await app.sql(
    'SELECT sum(on_hand_delta)::int AS on_hand, sum(reserved_delta)::int AS reserved FROM catalog.stock_movements WHERE sku = $1',
    [sku],
  );
  expect(level).toEqual({ on_hand: 100, reserved: 100 });
  expect(ledger).toEqual(level);
}, 120_000);

test('50 intents, each sent 64 times at once: 50 orders, and every answer of a key names the same one', async () => {
  const { sku } = await app.sellable({ onHand: 1000 });
  const buyer = await app.signIn();
  const intents = Array.from({ length: 50 }, () => key());
  const tries = intents.flatMap((intent) => Array.from({ length: 64 }, () => intent));
  const answers = await crowd(tries, 64, async (intent, i) => {
    let answer = await place(i, buyer, sku, intent);
    while (answer.code === 'idempotency_in_progress') answer = await place(i, buyer, sku, intent);
    return answer;
  });

  expect(count(answers, 201)).toBe(tries.length);
  for (const intent of intents) {
    const ids = new Set(answers.filter((_, i) => tries[i] === intent).map(({ id }) => id));
    expect(ids.size).toBe(1);
  }
  const [orders] = await app.sql('SELECT count(*)::int AS count FROM orders.orders WHERE customer_id = $1', [
    buyer.userId,
  ]);
  expect(orders).toEqual({ count: 50 });
}, 120_000);
