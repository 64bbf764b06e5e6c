// What the stories of payments are told with: orders to pay, time that passes, rows that are held, and another process.
import { createHmac, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import type { Test } from 'supertest';
import { z } from 'zod';
import { createDatabase } from '../../../shared/database/database.ts';
import { createPool } from '../../../shared/database/pool.ts';
import type { Actor } from '../../../shared/http/actor.ts';
import { Idempotency } from '../../../shared/idempotency/idempotency.ts';
import { readIdempotencyKey, type IdempotencyKey } from '../../../shared/idempotency/idempotency-key.ts';
import { createLogger } from '../../../shared/logging/logger.ts';
import { key, type Person, type TestApp } from '../../../tests/support/app.ts';
import { asModule, withOwnRole } from '../../../tests/support/roles.ts';
import { createPayments } from '../index.ts';
import { paymentSchema, type PaymentView } from '../payment.view.ts';
import { refundSchema, type RefundView } from '../refund.view.ts';

/** Known to the tests' app too. */
export const SECRET = 'test-only-provider-secret';

/** 10.00 EUR and 19 % tax. */
export const TOTAL = { amount: 1190, currency: 'EUR' };

export async function placeOrder(app: TestApp, person: Person, amount = 1000): Promise<string> {
  const { sku } = await app.sellable({ amount });
  const order = { lines: [{ sku, quantity: 1 }] };
  const { body } = await app.api.post('/api/v1/orders').set(person.auth).set(key()).send(order).expect(201);
  return String(body.data.id);
}

type Order = { status: string; paymentStatus: string };

export async function readOrder(app: TestApp, orderId: string): Promise<Order> {
  const [order] = await app.sql<{ status: string; payment_status: string }>(
    'SELECT status, payment_status FROM orders.orders WHERE id = $1',
    [orderId],
  );
  return { status: order?.status ?? 'none', paymentStatus: order?.payment_status ?? 'none' };
}

export const pay = (
  app: TestApp,
  person: Person,
  orderId: string,
  body: object,
  header: Record<string, string> = key(),
): Test => app.api.post(`/api/v1/orders/${orderId}/payments`).set(person.auth).set(header).send(body);

export async function paymentsOf(app: TestApp, person: Person, orderId: string): Promise<PaymentView[]> {
  const { body } = await app.api.get(`/api/v1/orders/${orderId}/payments`).set(person.auth).expect(200);
  return z.array(paymentSchema).parse(body.data);
}

export async function readPayment(app: TestApp, person: Person, paymentId: string): Promise<PaymentView> {
  const { body } = await app.api.get(`/api/v1/payments/${paymentId}`).set(person.auth).expect(200);
  return paymentSchema.parse(body.data);
}

/** What the provider has in its books: the truth about money. */
export const chargesOf = (
  app: TestApp,
  orderId: string,
): Promise<{ status: string; captured: number; refunded: number }[]> =>
  app.sql(
    `SELECT c.status, c.captured_minor::int AS captured, c.refunded_minor::int AS refunded FROM payments.test_provider_charges c
     JOIN payments.payments p ON p.id = c.id WHERE p.order_id = $1 ORDER BY p.id`,
    [orderId],
  );

export async function factsOf(app: TestApp, orderId: string): Promise<string[]> {
  const rows = await app.sql<{ type: string }>(
    `SELECT type FROM events.outbox WHERE aggregate_id = $1 AND type LIKE 'payment.%' ORDER BY seq`,
    [orderId],
  );
  return rows.map(({ type }) => type);
}

/** The customer was too slow. */
export async function expireOrder(app: TestApp, orderId: string): Promise<void> {
  await app.sql(`UPDATE orders.orders SET expires_at = now() - interval '1 second' WHERE id = $1`, [orderId]);
  await app.runJob('orders.expire');
}

export const cancelOrder = (app: TestApp, person: Person, orderId: string): Test =>
  app.api.post(`/api/v1/orders/${orderId}/cancellation`).set(person.auth).set(key()).send({});

/** As if that time had passed for everything that waits for the job. */
export async function passTime(app: TestApp, paymentId: string, seconds: number): Promise<void> {
  await app.sql(
    `UPDATE payments.payments SET check_at = check_at - $2 * interval '1 second', created_at = created_at - $2 * interval '1 second'
     WHERE id = $1`,
    [paymentId, seconds],
  );
  await app.sql(`UPDATE payments.refunds SET check_at = check_at - $2 * interval '1 second' WHERE payment_id = $1`, [
    paymentId,
    seconds,
  ]);
}

export async function until<T>(look: () => Promise<T>, isThere: (seen: T) => boolean, timeoutMs = 8000): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const seen = await look();
    if (isThere(seen)) return seen;
    if (Date.now() > deadline) throw new Error(`never came: last seen ${JSON.stringify(seen)}`);
    await sleep(20);
  }
}

/** Holds whatever the statement locks until it is let go. */
export async function hold(
  app: TestApp,
  statement: string,
  values: unknown[],
): Promise<{ letGo: () => Promise<void> }> {
  const client = new Client({ connectionString: app.databaseUrlFor('postgres') });
  await client.connect();
  await client.query('BEGIN');
  await client.query(statement, values);
  return {
    letGo: async () => {
      await client.query('COMMIT');
      await client.end();
    },
  };
}

/** Until so many statements of this database wait for a lock. */
export const untilWaiting = (app: TestApp, count: number): Promise<unknown> =>
  until(
    () =>
      app.sql<{ waiting: number }>(
        `SELECT count(*)::int AS waiting FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
      ),
    ([row]) => (row?.waiting ?? 0) >= count,
  );

export const actorOf = ({ userId }: Person, permissions = ['orders:own']): Actor => ({
  kind: 'user',
  userId,
  sessionId: randomUUID(),
  role: 'customer',
  permissions: new Set(permissions),
});

/** The key as the HTTP route makes it, so that a retry can reach either process. */
export function payKey(person: Person, orderId: string, input: object, value: string): IdempotencyKey {
  return readIdempotencyKey(value, `${person.userId} POST /api/v1/orders/${orderId}/payments`, input);
}

type Settings = { callTimeoutMs?: number; leaseMs?: number };

/** Payments as a second process runs them: its own pool, its own memory, the same database. */
export function anotherProcess(app: TestApp, { callTimeoutMs = 300, leaseMs = 30_000 }: Settings = {}) {
  const logger = createLogger({ level: 'silent', isPretty: false });
  const connectionString = asModule(app.databaseUrlFor, 'payments');
  const pool = createPool(
    { connectionString, max: 5, statementTimeoutMs: 2500, applicationName: 'test-other' },
    logger,
  );
  const payments = createPayments({
    database: withOwnRole(createDatabase(pool), 'payments'),
    outbox: app.modules.outbox,
    idempotency: new Idempotency({ ttlMs: 60_000 }),
    logger,
    orders: app.modules.orders.service,
    stock: app.modules.catalog.stock,
    audit: app.modules.audit.service,
    provider: {
      publicUrl: 'http://localhost:3000',
      webhookBaseUrl: () => app.url,
      testProviderSecret: SECRET,
      callTimeoutMs,
      leaseMs,
    },
  });
  return { ...payments, close: () => pool.end() };
}

/** Signed as the provider signs. */
export function signature(body: string | Buffer, { secret = SECRET, at = Math.floor(Date.now() / 1000) } = {}): string {
  return `t=${at},v1=${createHmac('sha256', secret).update(`${at}.`).update(body).digest('hex')}`;
}

type Told = { eventId?: string; paymentId: string; status: string; captured?: number; refunded?: number };

/** An event of the provider's, as it comes in. */
export function tellEvent(
  app: TestApp,
  { eventId = `evt_${randomUUID()}`, paymentId, status, captured = 0, refunded = 0 }: Told,
): Test {
  const charge = {
    id: paymentId,
    status,
    amountMinor: TOTAL.amount,
    capturedMinor: captured,
    refundedMinor: refunded,
    declineReason: null,
  };
  const body = JSON.stringify({ id: eventId, type: 'charge.updated', charge });
  return sendEvent(app, body, signature(body));
}

export const sendEvent = (app: TestApp, body: string, signed: string | null, provider = 'test'): Test => {
  const request = app.api.post(`/api/v1/payments/webhooks/${provider}`).set('Content-Type', 'application/json');
  return (signed === null ? request : request.set('Waybill-Test-Signature', signed)).send(body);
};

/** What the audit trail has of one thing, oldest first. */
export const entriesOf = (app: TestApp, subjectId: string) =>
  app.sql(
    `SELECT actor_id AS "actorId", role, action, subject_id AS "subjectId", before->>'status' AS before, after->>'status' AS after
     FROM audit.entries WHERE subject_id = $1 ORDER BY id`,
    [subjectId],
  );

export const eur = (amount: number) => ({ amount, currency: 'EUR' });

type PlacedOrder = { id: string; lines: { id: string; sku: string }[] };

export async function placeOrderOf(app: TestApp, person: Person, lines: object[]): Promise<PlacedOrder> {
  const { body } = await app.api.post('/api/v1/orders').set(person.auth).set(key()).send({ lines }).expect(201);
  return body.data as PlacedOrder;
}

export const refund = (
  app: TestApp,
  person: Person,
  orderId: string,
  body: object,
  header: Record<string, string> = key(),
): Test => app.api.post(`/api/v1/orders/${orderId}/refunds`).set(person.auth).set(header).send(body);

export async function refundsOf(app: TestApp, person: Person, orderId: string): Promise<RefundView[]> {
  const { body } = await app.api.get(`/api/v1/orders/${orderId}/refunds?limit=100`).set(person.auth).expect(200);
  return z.array(refundSchema).parse(body.data);
}

export async function refundsAtProvider(app: TestApp, paymentId: string): Promise<number> {
  const rows = await app.sql('SELECT id FROM payments.test_provider_refunds WHERE charge_id = $1', [paymentId]);
  return rows.length;
}

/** Staff send so much of an order, or all of it. */
export async function fulfil(app: TestApp, orderId: string, lines: object[] | undefined): Promise<void> {
  const { auth } = await app.signIn({ role: 'warehouse' });
  const parts = lines === undefined ? {} : { lines };
  await app.api.post(`/api/v1/orders/${orderId}/fulfillments`).set(auth).set(key()).send(parts).expect(201);
}

export async function stockOf(app: TestApp, sku: string): Promise<{ onHand: number; reserved: number } | undefined> {
  const rows = await app.sql<{ onHand: number; reserved: number }>(
    'SELECT on_hand AS "onHand", reserved FROM catalog.stock WHERE sku = $1',
    [sku],
  );
  return rows[0];
}
