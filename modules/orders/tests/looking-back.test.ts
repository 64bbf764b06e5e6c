// What happened to an order: its timeline as staff and as its customer see it, and what staff did in the audit trail.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { key, startTestApp, type Person, type TestApp } from '../../../tests/support/app.ts';

let app: TestApp;
let alice: Person;
let admin: Person;
beforeAll(async () => {
  app = await startTestApp();
  [alice, admin] = await Promise.all([app.signIn(), app.signIn({ role: 'admin' })]);
});
afterAll(() => app.close());

const post = async (path: string, { auth }: Person, requestId: string, body: object = {}) =>
  (await app.api.post(`/api/v1${path}`).set(auth).set(key()).set('X-Request-Id', requestId).send(body)).body.data;
const timeline = async (id: string, { auth }: Person) =>
  (await app.api.get(`/api/v1/orders/${id}/timeline`).set(auth).expect(200)).body.data;

async function placedBy(person: Person, more: object = {}): Promise<{ id: string; lines: { id: string }[] }> {
  const { sku } = await app.sellable();
  return post('/orders', person, 'req-place', { lines: [{ sku, quantity: 2 }], ...more });
}

describe('a timeline', () => {
  test('tells every step, who took it, by which request, and what was heard of the payments', async () => {
    const order = await placedBy(alice);
    const payment = await post(`/orders/${order.id}/payments`, alice, 'req-pay', { token: 'tok_ok' });
    await app.dispatch();
    const part = { lines: [{ lineId: order.lines[0]?.id, quantity: 1 }] };
    const one = await post(`/orders/${order.id}/fulfillments`, admin, 'req-part', part);
    const rest = await post(`/orders/${order.id}/fulfillments`, admin, 'req-rest');
    await post(`/fulfillments/${one.id}/delivery`, admin, 'req-one');
    await post(`/fulfillments/${rest.id}/delivery`, admin, 'req-all');
    const none = { fulfillmentId: null, paymentId: null, amount: null, happenedAt: expect.any(String) };
    const customer = { type: 'customer', id: alice.userId };
    const staff = { type: 'staff', id: admin.userId };
    const paid = { type: 'payment', id: null };
    const amount = { amount: 2380, currency: 'EUR' };
    const full = [
      { ...none, type: 'order.placed', status: 'pending_payment', actor: customer, requestId: 'req-place' },
      { ...none, type: 'order.confirmed', status: 'confirmed', actor: paid, requestId: 'req-pay' },
      { ...none, type: 'payment.captured', status: 'confirmed', actor: paid, requestId: 'req-pay', paymentId: payment.id, amount },
      { ...none, type: 'fulfillment.created', status: 'confirmed', actor: staff, requestId: 'req-part', fulfillmentId: one.id },
      { ...none, type: 'fulfillment.created', status: 'fulfilled', actor: staff, requestId: 'req-rest', fulfillmentId: rest.id },
      { ...none, type: 'fulfillment.delivered', status: 'fulfilled', actor: staff, requestId: 'req-one', fulfillmentId: one.id },
      { ...none, type: 'fulfillment.delivered', status: 'completed', actor: staff, requestId: 'req-all', fulfillmentId: rest.id },
    ]; // prettier-ignore
    expect(await timeline(order.id, admin)).toEqual(full);
    const unnamed = full.map((entry) =>
      entry.actor === staff ? { ...entry, actor: { type: 'staff', id: null }, requestId: null } : entry,
    );
    expect(await timeline(order.id, alice)).toEqual(unnamed);
  });

  test('of an order that nobody paid ends with the time', async () => {
    const order = await placedBy(alice);
    await app.sql(`UPDATE orders.orders SET expires_at = now() - interval '1 s' WHERE id = $1`, [order.id]);
    await app.runJob('orders.expire');
    expect((await timeline(order.id, alice)).at(-1)).toMatchObject({
      type: 'order.expired',
      status: 'expired',
      actor: { type: 'system', id: null },
      requestId: null,
    });
  });

  test('is not written twice when a fact is told twice', async () => {
    const order = await placedBy(alice);
    await post(`/orders/${order.id}/payments`, alice, 'req-pay', { token: 'tok_ok' });
    await app.dispatch();
    const once = await timeline(order.id, admin);
    const again = await app.sql(
      `UPDATE events.deliveries SET status = 'pending', next_at = now() WHERE subscriber = 'orders' AND aggregate_id = $1 RETURNING event_id`,
      [order.id],
    );
    expect(again).toHaveLength(1);
    await app.dispatch();
    expect(await timeline(order.id, admin)).toEqual(once);
    const pending = `SELECT 1 FROM events.deliveries WHERE subscriber = 'orders' AND aggregate_id = $1 AND status <> 'delivered'`;
    expect(await app.sql(pending, [order.id])).toEqual([]);
  });

  test('a cursor is one of ours', async () => {
    const order = await placedBy(alice);
    const cursor = Buffer.from(JSON.stringify(['9'.repeat(19)])).toString('base64url');
    const { body } = await app.api
      .get(`/api/v1/orders/${order.id}/timeline?cursor=${cursor}`)
      .set(alice.auth)
      .expect(400);
    expect(body.code).toBe('cursor_invalid');
  });
});

describe('the audit trail', () => {
  const entriesOf = (id: string) =>
    app.sql(
      'SELECT actor_id, role, action, before, after, request_id FROM audit.entries WHERE subject_id = $1 ORDER BY id',
      [id],
    );

  test('knows what staff placed for a customer and cancelled, without what is personal', async () => {
    const support = await app.signIn({ role: 'support' });
    const shippingAddress = { name: 'Alice', line1: 'Main Street 1', city: 'Aachen', country: 'DE' };
    const order = await placedBy(support, { customerId: alice.userId, note: 'Ring twice', shippingAddress });
    await post(`/orders/${order.id}/cancellation`, support, 'req-cancel', { reason: 'She called' });
    const [placed, cancelled, ...more] = await entriesOf(order.id);
    const by = { actor_id: support.userId, role: 'support' };
    const hidden = { note: '[redacted]', shippingAddress: '[redacted]' };
    expect(placed).toMatchObject({ ...by, action: 'order.placed', before: null, request_id: 'req-place' });
    expect(placed?.['after']).toMatchObject({
      id: order.id,
      customerId: alice.userId,
      status: 'pending_payment',
      ...hidden,
    });
    expect(cancelled).toMatchObject({ ...by, action: 'order.cancelled', request_id: 'req-cancel' });
    expect(cancelled?.['before']).toMatchObject({ status: 'pending_payment', cancelReason: null, ...hidden });
    expect(cancelled?.['after']).toMatchObject({ status: 'cancelled', cancelReason: 'She called', ...hidden });
    expect(more).toEqual([]);
  });

  test('is not about what customers do for themselves', async () => {
    const order = await placedBy(alice);
    await post(`/orders/${order.id}/cancellation`, alice, 'req-cancel');
    expect(await entriesOf(order.id)).toEqual([]);
  });

  test('has nothing of an order that could not be placed', async () => {
    const { sku } = await app.sellable({ onHand: 1 });
    const count = async () => (await app.sql('SELECT count(*)::int AS count FROM audit.entries'))[0]?.['count'];
    const before = await count();
    const lines = [{ sku, quantity: 2 }];
    await app.api
      .post('/api/v1/orders')
      .set(admin.auth)
      .set(key())
      .send({ lines, customerId: alice.userId })
      .expect(422);
    expect(await count()).toBe(before);
  });
});
