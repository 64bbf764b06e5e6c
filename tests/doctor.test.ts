// Running npm run doctor, as an operator does: it names each planted fault, repairs it by the rules of the house, and then finds nothing.
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { runMigrations } from 'graphile-worker';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { checksOf } from '../app.ts';
import { key, startTestApp, type Person, type TestApp } from './support/app.ts';

let app: TestApp;
let customer: Person;
let sku: string;

beforeAll(async () => {
  app = await startTestApp();
  await runMigrations({ connectionString: app.databaseUrlFor('waybill') });
  customer = await app.signIn();
  ({ sku } = await app.sellable({ onHand: 100 }));
});
afterAll(() => app.close());

async function doctor(...args: string[]): Promise<{ code: number | null; output: string }> {
  const { PATH = '', HOME = '' } = process.env;
  const env = { PATH, HOME, NODE_ENV: 'test', DATABASE_URL: app.databaseUrlFor('waybill') };
  const child = spawn(process.execPath, ['--import', 'tsx', 'scripts/doctor.ts', ...args], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, output };
}

type Report = { findings: { check: string; subject: string; detail: string }[]; repaired: number };
const reportOf = ({ output }: { output: string }) => JSON.parse(output) as Report;

async function place(): Promise<string> {
  const order = { lines: [{ sku, quantity: 2 }] };
  const { body } = await app.api.post('/api/v1/orders').set(customer.auth).set(key()).send(order).expect(201);
  return (body.data as { id: string }).id;
}

async function pay(orderId: string, token = 'tok_ok'): Promise<string> {
  const paying = app.api.post(`/api/v1/orders/${orderId}/payments`).set(customer.auth).set(key());
  const { body } = await paying.send({ token }).expect(201);
  return (body.data as { id: string }).id;
}

/** The provider does not answer, and nobody asks again. */
async function refundInSilence(paymentId: string): Promise<string> {
  const [payment] = await app.sql<{ order_id: string }>('SELECT order_id FROM payments.payments WHERE id = $1', [
    paymentId,
  ]);
  const finance = await app.signIn({ role: 'finance' });
  vi.spyOn(app.modules.payments.provider, 'refund').mockRejectedValueOnce(new Error('away'));
  const asking = app.api.post(`/api/v1/orders/${payment?.order_id}/refunds`).set(finance.auth).set(key());
  const { body } = await asking.send({ reason: 'Arrived broken' }).expect(202);
  const { id } = body.data as { id: string };
  await app.sql(`UPDATE payments.refunds SET check_at = now() - interval '1 hour' WHERE id = $1`, [id]);
  return id;
}

/** One fault of each kind. @returns check → what it is called there */
async function plant(): Promise<Record<string, string>> {
  const { sku: level } = await app.sellable({ onHand: 5 });
  await app.sql('UPDATE catalog.stock SET on_hand = on_hand + 1 WHERE sku = $1', [level]);
  const overdue = await place();
  await app.sql(`UPDATE orders.orders SET expires_at = now() - interval '1 hour' WHERE id = $1`, [overdue]);
  const nobody = randomUUID();
  const leak = JSON.stringify([{ sku, onHand: 0, reserved: 4 }]);
  await app.sql(`SELECT catalog.move_stock('reservation', $1, $2)`, [nobody, leak]);
  const total = await place();
  await app.sql(
    `UPDATE orders.orders SET subtotal_amount = subtotal_amount + 7, total_amount = total_amount + 7 WHERE id = $1`,
    [total],
  );
  const stuck = await pay(await place());
  await app.sql(
    `UPDATE payments.payments SET status = 'processing', check_at = NULL, captured_minor = 0 WHERE id = $1`,
    [stuck],
  );
  const unconfirmedOrder = await place();
  const unconfirmed = await pay(unconfirmedOrder);
  await app.sql(
    `UPDATE orders.orders SET status = 'pending_payment', payment_status = 'processing', expires_at = now() + interval '1 hour' WHERE id = $1`,
    [unconfirmedOrder],
  );
  const refund = await refundInSilence(await pay(await place()));
  await app.dispatch();
  const [dead, late] = await app.sql<{ event_id: string }>(
    'SELECT DISTINCT ON (aggregate_id) event_id FROM events.deliveries ORDER BY aggregate_id, seq LIMIT 2',
  );
  await app.sql(`UPDATE events.deliveries SET status = 'dead', attempts = 15 WHERE event_id = $1`, [dead?.event_id]);
  await app.sql(
    `UPDATE events.deliveries SET status = 'pending', next_at = now() - interval '1 hour' WHERE event_id = $1`,
    [late?.event_id],
  );
  await app.sql(`SELECT graphile_worker.add_job('of-a-version-that-is-gone', max_attempts => 1)`);
  const [job] = await app.sql<{ id: string }>('UPDATE graphile_worker._private_jobs SET attempts = 1 RETURNING id');
  const claimed = randomUUID();
  await app.sql(
    `INSERT INTO idempotency.keys (scope, key, fingerprint, resource_id, leased_until, expires_at)
     VALUES ('a', 'stuck', 'f', $1, now() + interval '1 day', now() + interval '1 day'),
            ('a', 'old', 'f', $2, NULL, now() - interval '1 day')`,
    [claimed, nobody],
  );
  return {
    'stock.level': level,
    'orders.overdue': overdue,
    'orders.reservations': nobody,
    'orders.totals': total,
    'payments.stuck': stuck,
    'payments.unconfirmed': unconfirmed,
    'refunds.stuck': refund,
    'events.dead': dead?.event_id ?? '',
    'events.late': late?.event_id ?? '',
    'jobs.failed': job?.id ?? '',
    'idempotency.stuck': claimed,
    'idempotency.unpurged': nobody,
  };
}

test('a healthy shop has no findings; every module looks into its own schema only', async () => {
  await pay(await place());
  await app.dispatch();
  for (const { name, find } of checksOf(app.modules, app.database, async () => 0))
    expect({ name, found: await find() }).toEqual({ name, found: [] });
  expect(await doctor()).toEqual({ code: 0, output: expect.stringMatching(/^All is well: 12 checks/) as string });
});

test('each planted fault is named, and nothing is repaired unasked', async () => {
  const planted = await plant();
  const named = await doctor('--json');
  expect(named.code).toBe(1);
  const { findings } = reportOf(named);
  expect(Object.fromEntries(findings.map(({ check, subject }) => [check, subject]))).toEqual(planted);
  expect(findings).toHaveLength(Object.keys(planted).length);
  expect(reportOf(await doctor('--json')).findings).toEqual(findings);

  const mended = await doctor('--fix', '--json');
  expect(mended.code).toBe(0);
  expect(reportOf(mended)).toEqual({ findings: [], repaired: findings.length });
  expect((await doctor()).code).toBe(0);
  await expectRepaired(planted);
}, 120_000);

/** By the books: the ledger, the lines and the provider decided, and no money came from nowhere. */
async function expectRepaired(planted: Record<string, string>): Promise<void> {
  const at = (check: string) => planted[check];
  const [level] = await app.sql('SELECT on_hand FROM catalog.stock WHERE sku = $1', [at('stock.level')]);
  expect(level).toEqual({ on_hand: 5 });
  const order = (id: string | undefined) =>
    app.sql('SELECT status, payment_status, total_amount::int AS total FROM orders.orders WHERE id = $1', [id]);
  expect(await order(at('orders.overdue'))).toMatchObject([{ status: 'expired' }]);
  expect(await order(at('orders.totals'))).toMatchObject([{ status: 'pending_payment', total: 2380 }]);
  const paid = await app.sql<{ id: string; status: string; order_id: string }>(
    'SELECT id, status, order_id FROM payments.payments WHERE id = ANY ($1)',
    [[at('payments.stuck'), at('payments.unconfirmed')]],
  );
  for (const payment of paid) {
    expect(payment.status).toBe('captured');
    expect(await order(payment.order_id)).toMatchObject([{ status: 'confirmed', payment_status: 'paid' }]);
  }
  const refunded = await app.sql('SELECT status FROM payments.refunds WHERE id = $1', [at('refunds.stuck')]);
  expect(refunded).toEqual([{ status: 'succeeded' }]);
  const entries = await app.sql<{ action: string }>(
    `SELECT action FROM audit.entries WHERE actor_id IS NULL AND action ~ '^(order|stock)' ORDER BY action`,
  );
  expect(entries.map(({ action }) => action)).toEqual([
    'order.reservation_released',
    'order.total_corrected',
    'stock.rebuilt',
  ]);
}

test('what a person has to decide is told and left', async () => {
  const orderId = await place();
  await pay(orderId);
  await app.dispatch();
  const lower = 'subtotal_amount = subtotal_amount - 7, total_amount = total_amount - 7';
  await app.sql(`UPDATE orders.orders SET ${lower} WHERE id = $1`, [orderId]);
  const { code, output } = await doctor('--fix');
  expect(code).toBe(1);
  expect(output).toContain(`${orderId}: total 2373, lines 2380 EUR, paid`);
});

test('what it does not know is refused', async () => {
  expect((await doctor('--repair')).code).toBe(64);
});
