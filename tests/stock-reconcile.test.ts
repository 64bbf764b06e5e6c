// Running stock:reconcile, as an operator runs it: quiet while all is well, precise when somebody wrote past the house.
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { key, startTestApp, type Person, type TestApp } from './support/app.ts';

let app: TestApp;
let customer: Person;
let sku: string;
let orderId: string;

beforeAll(async () => {
  app = await startTestApp();
  customer = await app.signIn();
  ({ sku } = await app.sellable({ onHand: 10 }));
  orderId = await place(3);
  await app.api
    .post(`/api/v1/orders/${await place(2)}/cancellation`)
    .set(customer.auth)
    .set(key())
    .expect(200);
});
afterAll(() => app.close());

async function place(quantity: number): Promise<string> {
  const order = { lines: [{ sku, quantity }] };
  const { body } = await app.api.post('/api/v1/orders').set(customer.auth).set(key()).send(order).expect(201);
  return (body.data as { id: string }).id;
}

async function reconcile(...args: string[]): Promise<{ code: number | null; output: string }> {
  const { PATH = '', HOME = '' } = process.env;
  const env = { PATH, HOME, NODE_ENV: 'test', DATABASE_URL: app.databaseUrlFor('waybill') };
  const child = spawn(process.execPath, ['--import', 'tsx', 'scripts/stock-reconcile.ts', ...args], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, output };
}

test('a shop in order, with orders open and sent in part: exit code 0', async () => {
  await app.api
    .post(`/api/v1/orders/${orderId}/payments`)
    .set(customer.auth)
    .set(key())
    .send({ token: 'tok_ok' })
    .expect(201);
  const { auth } = await app.signIn({ role: 'warehouse' });
  const { body } = await app.api.get(`/api/v1/orders/${orderId}`).set(auth).expect(200);
  const lineId = (body.data as { lines: { id: string }[] }).lines[0]?.id;
  await app.api
    .post(`/api/v1/orders/${orderId}/fulfillments`)
    .set(auth)
    .set(key())
    .send({ lines: [{ lineId, quantity: 1 }] })
    .expect(201);
  expect(await reconcile()).toEqual({ code: 0, output: expect.stringMatching(/^No differences/) as string });
});

test('each difference is told, nothing is repaired: exit code 1', async () => {
  const [other, lost, held] = [
    await app.sellable({ onHand: 5 }),
    await app.sellable({ onHand: 6 }),
    await app.sellable(),
  ];
  await app.sql('UPDATE catalog.stock SET on_hand = on_hand + 1 WHERE sku = $1', [other.sku]);
  await app.sql('DELETE FROM catalog.stock WHERE sku = $1', [lost.sku]);
  // The ledger agrees; only the orders know that there is no such order.
  const changes = JSON.stringify([{ sku: held.sku, onHand: 0, reserved: 4 }]);
  await app.sql(`SELECT catalog.move_stock('reservation', $1, $2)`, [randomUUID(), changes]);
  const before = await app.sql('SELECT * FROM catalog.stock ORDER BY sku');
  const { code, output } = await reconcile();
  expect(code).toBe(1);
  expect(output.trim().split('\n').toSorted()).toEqual(
    [
      `${other.sku}: 6 on hand, but the ledger says 5`,
      `${lost.sku}: no level, but the ledger says 6 on hand, 0 reserved`,
      `${held.sku}: 4 reserved, but open orders hold 0`,
      '3 SKUs differ. Nothing was changed; find the cause before you adjust.',
    ].toSorted(),
  );
  expect(await app.sql('SELECT * FROM catalog.stock ORDER BY sku')).toEqual(before);
});

test('--help says what it does, and what it does not know is refused', async () => {
  expect(await reconcile('--help')).toEqual({
    code: 0,
    output: expect.stringMatching(/^usage: .*exit code/s) as string,
  });
  expect((await reconcile('--repair')).code).toBe(64);
});
