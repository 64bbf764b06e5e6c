// Orders that end without being sent: cancelled by their owner or staff, or expired because nobody paid.
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { key, startTestApp, type Person, type TestApp } from '../../../tests/support/app.ts';
import { holdOrder } from './story.ts';

let app: TestApp;
let alice: Person;
beforeAll(async () => {
  app = await startTestApp();
  alice = await app.signIn();
});
afterAll(() => app.close());

async function placed(sku: string, quantity = 1): Promise<string> {
  const { body } = await app.api
    .post('/api/v1/orders')
    .set(alice.auth)
    .set(key())
    .send({ lines: [{ sku, quantity }] })
    .expect(201);
  return body.data.id as string;
}
const cancel = (person: Person, id: string, headers = key()) =>
  app.api.post(`/api/v1/orders/${id}/cancellation`).set(person.auth).set(headers);
const pay = (id: string, token = 'tok_ok') =>
  app.api.post(`/api/v1/orders/${id}/payments`).set(alice.auth).set(key()).send({ token });
const levelOf = async (sku: string) =>
  (await app.sql('SELECT on_hand, reserved FROM catalog.stock WHERE sku = $1', [sku]))[0];
const runOut = (id: string) =>
  app.sql(`UPDATE orders.orders SET expires_at = now() - interval '1 s' WHERE id = $1`, [id]);
const read = async (id: string) => (await app.api.get(`/api/v1/orders/${id}`).set(alice.auth).expect(200)).body.data;

describe('cancelling', () => {
  test('an unpaid order releases its stock once, and says so to the owner and to others', async () => {
    const { sku } = await app.sellable({ onHand: 5 });
    const id = await placed(sku, 3);
    const intent = key();
    const { body, headers } = await cancel(alice, id, intent).send({ reason: 'Changed my mind' }).expect(200);
    expect(body.data).toMatchObject({
      status: 'cancelled',
      cancelReason: 'Changed my mind',
      expiresAt: null,
      version: 2,
      lines: [{ sku, quantity: 3 }],
    });
    expect(headers['etag']).toBe('"2"');
    const again = await cancel(alice, id, intent).send({ reason: 'Changed my mind' }).expect(200);
    expect(again.body).toEqual(body);
    expect(again.headers['idempotency-replayed']).toBe('true');
    expect(await levelOf(sku)).toEqual({ on_hand: 5, reserved: 0 });
    const facts = await app.sql(
      `SELECT payload FROM events.outbox WHERE aggregate_id = $1 AND type = 'order.cancelled'`,
      [id],
    );
    expect(facts).toEqual([{ payload: { orderId: id, customerId: alice.userId, reason: 'Changed my mind' } }]);
  });

  test('twice, with a new key, is refused with what would be allowed', async () => {
    const { sku } = await app.sellable();
    const id = await placed(sku);
    await cancel(alice, id).expect(200);
    const { body } = await cancel(alice, id).expect(409);
    expect(body).toMatchObject({ code: 'order_status_forbidden', allowed: ['pending_payment', 'confirmed'] });
    expect(await levelOf(sku)).toEqual({ on_hand: 100, reserved: 0 });
  });

  test('a paid order gives the money back afterwards', async () => {
    const { sku } = await app.sellable();
    const id = await placed(sku);
    await pay(id).expect(201);
    const { body } = await cancel(alice, id).expect(200);
    expect(body.data).toMatchObject({ status: 'cancelled', paymentStatus: 'refund_pending' });
    await app.dispatch();
    expect(await read(id)).toMatchObject({ status: 'cancelled', paymentStatus: 'refunded' });
  });

  test('by support is possible, by a stranger it is not found, by the warehouse it is not allowed', async () => {
    const { sku } = await app.sellable();
    const id = await placed(sku);
    const [stranger, warehouse, support] = await Promise.all([
      app.signIn(),
      app.signIn({ role: 'warehouse' }),
      app.signIn({ role: 'support' }),
    ]);
    expect((await cancel(stranger, id).expect(404)).body.code).toBe('order_not_found');
    expect((await cancel(warehouse, id).expect(403)).body.code).toBe('permission_denied');
    await cancel(support, id).send({}).expect(200);
    const [row] = await app.sql(`SELECT actor_id FROM orders.transitions WHERE order_id = $1 AND action = 'cancel'`, [
      id,
    ]);
    expect(row).toEqual({ actor_id: support.userId });
  });

  test('and expiring at the same moment: one of them ends the order, stock is released once', async () => {
    const { sku } = await app.sellable({ onHand: 4 });
    const id = await placed(sku, 4);
    await runOut(id);
    // Both wait for the row, proven in pg_stat_activity, before it is let go.
    const { held, release } = await holdOrder(app, id);
    const racing = Promise.all([cancel(alice, id), app.runJob('orders.expire')]);
    await held(2);
    await release();
    const [answer] = await racing;
    expect([200, 409]).toContain(answer.status);
    expect(await levelOf(sku)).toEqual({ on_hand: 4, reserved: 0 });
    const steps = await app.sql(`SELECT action FROM orders.transitions WHERE order_id = $1 AND action <> 'place'`, [
      id,
    ]);
    expect(steps).toHaveLength(1);
  });
});

describe('expiring', () => {
  test('an order whose time has run out releases its stock and is told', async () => {
    const { sku } = await app.sellable({ onHand: 2 });
    const id = await placed(sku, 2);
    await app.runJob('orders.expire');
    expect(await read(id)).toMatchObject({ status: 'pending_payment' });
    await runOut(id);
    await app.runJob('orders.expire');
    await app.runJob('orders.expire');
    expect(await read(id)).toMatchObject({ status: 'expired', expiresAt: null, cancelReason: null, version: 2 });
    expect(await levelOf(sku)).toEqual({ on_hand: 2, reserved: 0 });
    const facts = await app.sql(`SELECT type FROM events.outbox WHERE aggregate_id = $1 ORDER BY seq`, [id]);
    expect(facts).toEqual([{ type: 'order.placed' }, { type: 'order.expired' }]);
  });

  test('more orders than one batch in one run', async () => {
    const { sku } = await app.sellable({ onHand: 150 });
    for (let i = 0; i < 120; i++) await placed(sku);
    await app.sql(`UPDATE orders.orders SET expires_at = now() - interval '1 s' WHERE status = 'pending_payment'`);
    await app.runJob('orders.expire');
    expect(await levelOf(sku)).toEqual({ on_hand: 150, reserved: 0 });
  });

  test('one that cannot expire holds up nobody behind it', async () => {
    const [broken, other] = [await app.sellable({ onHand: 2 }), await app.sellable({ onHand: 2 })];
    const ids = [await placed(broken.sku), await placed(other.sku)];
    for (const id of ids) await runOut(id);
    // Somebody wrote past the application: there is less reserved than the order holds.
    await app.sql('UPDATE catalog.stock SET reserved = 0 WHERE sku = $1', [broken.sku]);
    await expect(app.runJob('orders.expire')).rejects.toThrow('1 of 2 orders could not expire');
    expect(await levelOf(other.sku)).toEqual({ on_hand: 2, reserved: 0 });
    await app.sql('UPDATE catalog.stock SET reserved = 1 WHERE sku = $1', [broken.sku]);
    await app.runJob('orders.expire');
    expect(await levelOf(broken.sku)).toEqual({ on_hand: 2, reserved: 0 });
  });

  test('an order that runs out cannot be paid any more, even before the job has seen it', async () => {
    const { sku } = await app.sellable();
    const id = await placed(sku);
    await runOut(id);
    expect((await pay(id).expect(409)).body).toMatchObject({
      code: 'order_status_forbidden',
      allowed: ['pending_payment'],
    });
  });

  test('a confirmed order does not expire', async () => {
    const { sku } = await app.sellable();
    const id = await placed(sku);
    await pay(id).expect(201);
    await app.runJob('orders.expire');
    expect(await read(id)).toMatchObject({ status: 'confirmed', paymentStatus: 'paid', expiresAt: null });
  });
});

test('after any life of orders the ledger sums to the level, and reserved is what live orders hold', async () => {
  const step = fc.oneof(
    fc.record({ do: fc.constant('place' as const), quantity: fc.integer({ min: 1, max: 4 }) }),
    fc.record({
      do: fc.constantFrom('pay' as const, 'decline' as const, 'cancel' as const, 'expire' as const),
      which: fc.nat({ max: 5 }),
    }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 12 }), async (steps) => {
      const { sku } = await app.sellable({ onHand: 10 });
      const ids: string[] = [];
      for (const one of steps) {
        const id = 'which' in one ? ids[one.which] : undefined;
        if (one.do === 'place') {
          const { status, body } = await app.api
            .post('/api/v1/orders')
            .set(alice.auth)
            .set(key())
            .send({ lines: [{ sku, quantity: one.quantity }] });
          if (status === 201) ids.push(body.data.id);
        } else if (id !== undefined && one.do === 'cancel') await cancel(alice, id);
        else if (id !== undefined && one.do === 'expire') {
          await app.sql(
            `UPDATE orders.orders SET expires_at = now() - interval '1 s' WHERE id = $1 AND status = 'pending_payment'`,
            [id],
          );
          await app.runJob('orders.expire');
        } else if (id !== undefined) await pay(id, one.do === 'pay' ? 'tok_ok' : 'tok_declined');
      }
      const [ledger] = await app.sql(
        'SELECT sum(on_hand_delta)::int AS on_hand, sum(reserved_delta)::int AS reserved FROM catalog.stock_movements WHERE sku = $1',
        [sku],
      );
      const [live] = await app.sql(
        `SELECT coalesce(sum(quantity), 0)::int AS reserved FROM orders.lines l JOIN orders.orders o ON o.id = l.order_id
         WHERE l.sku = $1 AND o.status IN ('pending_payment', 'confirmed')`,
        [sku],
      );
      expect(await levelOf(sku)).toEqual(ledger);
      expect(ledger).toEqual({ on_hand: 10, ...live });
    }),
    { numRuns: 25 },
  );
}, 120_000);
