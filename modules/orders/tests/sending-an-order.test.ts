// Orders that are sent: in parts and whole, delivered and completed, by two at once, and when they must not be.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { key, startTestApp, type Person, type TestApp } from '../../../tests/support/app.ts';
import { snapshotOf } from '../../../tests/support/snapshot.ts';
import { holdOrder } from './story.ts';

let app: TestApp;
let alice: Person;
let walter: Person;
beforeAll(async () => {
  app = await startTestApp();
  [alice, walter] = await Promise.all([app.signIn(), app.signIn({ role: 'warehouse' })]);
});
afterAll(() => app.close());

type Order = { id: string; lines: { id: string; sku: string; quantity: number }[] };

async function placed(...quantities: number[]): Promise<Order> {
  const lines = await Promise.all(
    quantities.map(async (quantity) => ({ sku: (await app.sellable({ onHand: 10 })).sku, quantity })),
  );
  const { body } = await app.api.post('/api/v1/orders').set(alice.auth).set(key()).send({ lines }).expect(201);
  return body.data as Order;
}
const pay = (id: string, more = {}) =>
  app.api
    .post(`/api/v1/orders/${id}/payments`)
    .set(alice.auth)
    .set(key())
    .send({ token: 'tok_ok', ...more });
async function confirmed(...quantities: number[]): Promise<Order> {
  const order = await placed(...quantities);
  await pay(order.id).expect(201);
  return order;
}
const fulfil = (id: string, person = walter, headers = key()) =>
  app.api.post(`/api/v1/orders/${id}/fulfillments`).set(person.auth).set(headers);
const deliver = (id: string, person = walter, headers = key()) =>
  app.api.post(`/api/v1/fulfillments/${id}/delivery`).set(person.auth).set(headers);
const cancel = (id: string) => app.api.post(`/api/v1/orders/${id}/cancellation`).set(alice.auth).set(key());
const read = async (id: string) => (await app.api.get(`/api/v1/orders/${id}`).set(alice.auth).expect(200)).body.data;
const levelOf = async ({ lines }: Order, i = 0) =>
  (await app.sql('SELECT on_hand, reserved FROM catalog.stock WHERE sku = $1', [lines[i]?.sku]))[0];
const factsOf = async (id: string) =>
  (
    await app.sql<{ type: string }>(
      `SELECT type FROM events.outbox WHERE aggregate_id = $1 AND (type LIKE 'fulfillment%' OR type IN ('order.fulfilled', 'order.completed')) ORDER BY seq`,
      [id],
    )
  ).map(({ type }) => type);
const part = ({ lines }: Order, i: number, quantity: number) => ({ lineId: lines[i]?.id, quantity });

describe('an order is sent', () => {
  test('whole: the stock leaves the house, and with the delivery the order is completed', async () => {
    const order = await confirmed(3, 2);
    const intent = key();
    const { body, headers } = await fulfil(order.id, walter, intent)
      .send({ carrier: 'DHL', trackingNumber: 'JJD01' })
      .expect(201);
    expect(body.data).toEqual({
      id: expect.any(String),
      orderId: order.id,
      status: 'shipped',
      lines: order.lines.map(({ id, sku, quantity }) => ({ lineId: id, sku, quantity })),
      carrier: 'DHL',
      trackingNumber: 'JJD01',
      shippedAt: expect.any(String),
      deliveredAt: null,
    });
    expect(headers['location']).toBe(`/api/v1/orders/${order.id}/fulfillments`);
    const again = await fulfil(order.id, walter, intent).send({ carrier: 'DHL', trackingNumber: 'JJD01' }).expect(201);
    expect(again.body).toEqual(body);
    expect(again.headers['idempotency-replayed']).toBe('true');
    expect(await levelOf(order)).toEqual({ on_hand: 7, reserved: 0 });
    expect(await levelOf(order, 1)).toEqual({ on_hand: 8, reserved: 0 });
    expect(await read(order.id)).toMatchObject({ status: 'fulfilled', fulfillmentStatus: 'fulfilled' });
    expect(await app.modules.catalog.stock.ledgerDifferences()).toEqual([]);

    const arrived = key();
    const delivered = await deliver(body.data.id, walter, arrived).expect(200);
    expect(delivered.body.data).toMatchObject({
      id: body.data.id,
      status: 'delivered',
      deliveredAt: expect.any(String),
    });
    expect((await deliver(body.data.id, walter, arrived).expect(200)).body).toEqual(delivered.body);
    expect(await read(order.id)).toMatchObject({ status: 'completed', fulfillmentStatus: 'delivered' });
    expect(await factsOf(order.id)).toEqual(['fulfillment.created', 'order.fulfilled', 'order.completed']);
    const { body: list } = await app.api.get(`/api/v1/orders/${order.id}/fulfillments`).set(alice.auth).expect(200);
    expect(list).toEqual({ data: [delivered.body.data], page: { nextCursor: null } });
  });

  test('in parts, which arrive in any order', async () => {
    const order = await confirmed(3, 2);
    const one = await fulfil(order.id)
      .send({ lines: [part(order, 0, 2)] })
      .expect(201);
    expect(await read(order.id)).toMatchObject({ status: 'confirmed', fulfillmentStatus: 'partially_fulfilled' });
    expect(await levelOf(order)).toEqual({ on_hand: 8, reserved: 1 });
    await deliver(one.body.data.id).expect(200);
    expect(await read(order.id)).toMatchObject({ status: 'confirmed', fulfillmentStatus: 'partially_fulfilled' });
    const two = await fulfil(order.id)
      .send({ lines: [part(order, 1, 1)] })
      .expect(201);
    const rest = await fulfil(order.id).expect(201);
    expect(rest.body.data.lines).toEqual([
      { lineId: order.lines[0]?.id, sku: order.lines[0]?.sku, quantity: 1 },
      { lineId: order.lines[1]?.id, sku: order.lines[1]?.sku, quantity: 1 },
    ]);
    expect(await read(order.id)).toMatchObject({ status: 'fulfilled', fulfillmentStatus: 'fulfilled' });
    await deliver(rest.body.data.id).expect(200);
    expect(await read(order.id)).toMatchObject({ status: 'fulfilled', fulfillmentStatus: 'fulfilled' });
    await deliver(two.body.data.id).expect(200);
    expect(await read(order.id)).toMatchObject({ status: 'completed', fulfillmentStatus: 'delivered' });
    expect(await factsOf(order.id)).toEqual([
      ...Array.from({ length: 3 }, () => 'fulfillment.created'),
      'order.fulfilled',
      'order.completed',
    ]);
    const kinds = await app.sql('SELECT kind FROM catalog.stock_movements WHERE order_id = $1 ORDER BY seq', [
      order.id,
    ]);
    expect(kinds.map(({ kind }) => kind)).toEqual([
      'reservation',
      'reservation',
      ...Array.from({ length: 4 }, () => 'shipment'),
    ]);
    expect(await app.modules.catalog.stock.ledgerDifferences()).toEqual([]);
  });

  test('and it is on record who sent it and who said that it arrived', async () => {
    const order = await confirmed(1);
    const { body } = await fulfil(order.id).set('X-Request-Id', 'sending-1').expect(201);
    await deliver(body.data.id).set('X-Request-Id', 'arriving-1').expect(200);
    const entries = await app.sql(
      `SELECT actor_id, action, subject_type, before->>'status' AS before, after->>'status' AS after, request_id
       FROM audit.entries WHERE subject_id = $1 ORDER BY id`,
      [body.data.id],
    );
    const by = { actor_id: walter.userId, subject_type: 'fulfillment' };
    expect(entries).toEqual([
      { ...by, action: 'fulfillment.created', before: null, after: 'shipped', request_id: 'sending-1' },
      { ...by, action: 'fulfillment.delivered', before: 'shipped', after: 'delivered', request_id: 'arriving-1' },
    ]);
  });
});

describe('nothing is sent, and nothing changes', () => {
  const left = async (order: Order) =>
    (
      await app.sql('SELECT fulfilled_quantity FROM orders.lines WHERE order_id = $1 ORDER BY position', [order.id])
    ).map((row) => row['fulfilled_quantity']);

  test('when more of a line is named than is left', async () => {
    const order = await confirmed(3, 1);
    await fulfil(order.id)
      .send({ lines: [part(order, 0, 2)] })
      .expect(201);
    const before = { ...(await snapshotOf(app)), 'idempotency.keys': '' };
    const lines = [part(order, 1, 1), part(order, 0, 2)];
    const { body } = await fulfil(order.id).send({ lines }).expect(422);
    expect(body).toMatchObject({
      code: 'fulfillment_exceeds_ordered',
      errors: [{ pointer: '/lines/1/quantity', code: 'fulfillment_exceeds_ordered', left: 1 }],
    });
    expect({ ...(await snapshotOf(app)), 'idempotency.keys': '' }).toEqual(before);
    expect(await left(order)).toEqual([2, 0]);
  });

  test('when a line is another order’s, or named twice', async () => {
    const [order, other] = [await confirmed(2), await confirmed(1)];
    const foreign = await fulfil(order.id)
      .send({ lines: [part(other, 0, 1)] })
      .expect(422);
    expect(foreign.body).toMatchObject({ code: 'unknown_line', errors: [{ pointer: '/lines/0/lineId' }] });
    const twice = await fulfil(order.id)
      .send({ lines: [part(order, 0, 1), part(order, 0, 1)] })
      .expect(400);
    expect(twice.body).toMatchObject({ code: 'duplicate_line', errors: [{ pointer: '/lines/1/lineId' }] });
    expect(await left(order)).toEqual([0]);
  });

  test('before it is paid, once it is cancelled, and once all was sent', async () => {
    const unpaid = await placed(1);
    const refusal = { code: 'order_status_forbidden', allowed: ['confirmed'] };
    expect((await fulfil(unpaid.id).expect(409)).body).toMatchObject(refusal);
    const cancelled = await confirmed(1);
    await cancel(cancelled.id).expect(200);
    expect((await fulfil(cancelled.id).expect(409)).body).toMatchObject(refusal);
    const sent = await confirmed(1);
    await fulfil(sent.id).expect(201);
    expect((await fulfil(sent.id).expect(409)).body).toMatchObject(refusal);
  });

  test('when the authorisation was released: the order is confirmed, but nobody pays for it', async () => {
    const order = await placed(1);
    const { body } = await pay(order.id, { capture: false }).expect(201);
    const finance = await app.signIn({ role: 'finance' });
    await app.api.post(`/api/v1/payments/${body.data.id}/void`).set(finance.auth).set(key()).expect(200);
    expect(await read(order.id)).toMatchObject({ status: 'confirmed', paymentStatus: 'voided' });
    const refused = await fulfil(order.id).expect(409);
    expect(refused.body).toMatchObject({
      code: 'order_not_paid',
      allowed: ['authorized', 'paid', 'partially_refunded'],
    });
    await cancel(order.id).expect(200);
    expect(await levelOf(order)).toEqual({ on_hand: 10, reserved: 0 });
  });

  test('of an order that is not there', async () => {
    expect((await fulfil('01939d3a-7c1e-7b1a-8f00-0000000000ff').expect(404)).body.code).toBe('order_not_found');
    expect((await deliver('01939d3a-7c1e-7b1a-8f00-0000000000ff').expect(404)).body.code).toBe('fulfillment_not_found');
  });

  test.each([
    ['no line', { lines: [] }, '/lines'],
    [
      'a quantity of 0',
      { lines: [{ lineId: '01939d3a-7c1e-7b1a-8f00-0000000000ff', quantity: 0 }] },
      '/lines/0/quantity',
    ],
    ['a line by its SKU', { lines: [{ sku: 'MUG', quantity: 1 }] }, '/lines/0/lineId'],
    ['a carrier that is too long', { carrier: 'x'.repeat(101) }, '/carrier'],
    ['a status', { status: 'delivered' }, '/status'],
  ])('with %s', async (_name, body, pointer) => {
    const order = await confirmed(1);
    const refused = await fulfil(order.id).send(body).expect(400);
    expect(refused.body.errors.map((fault: { pointer: string }) => fault.pointer)).toContain(pointer);
    expect(await left(order)).toEqual([0]);
  });

  test('twice delivered is refused with what would be allowed', async () => {
    const order = await confirmed(1);
    const { body } = await fulfil(order.id).expect(201);
    await deliver(body.data.id).expect(200);
    expect((await deliver(body.data.id).expect(409)).body).toMatchObject({
      code: 'fulfillment_status_forbidden',
      allowed: ['shipped'],
    });
    expect(await factsOf(order.id)).toEqual(['fulfillment.created', 'order.fulfilled', 'order.completed']);
  });
});

describe('once a part was sent', () => {
  test('cancelling is refused: the rest is refunded instead', async () => {
    const order = await confirmed(2);
    await fulfil(order.id)
      .send({ lines: [part(order, 0, 1)] })
      .expect(201);
    expect((await cancel(order.id).expect(409)).body.code).toBe('order_status_forbidden');
    expect(await levelOf(order)).toEqual({ on_hand: 9, reserved: 1 });
  });
});

describe('two at once', () => {
  test('never send more than was ordered', async () => {
    const order = await confirmed(3);
    const { held, release } = await holdOrder(app, order.id);
    const racing = Promise.all(
      [1, 2].map(() => fulfil(order.id, walter, key(randomUUID())).send({ lines: [part(order, 0, 2)] })),
    );
    await held(2);
    await release();
    const answers = await racing;
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201, 422]));
    expect(answers.find(({ status }) => status === 422)?.body).toMatchObject({
      code: 'fulfillment_exceeds_ordered',
      errors: [{ left: 1 }],
    });
    expect(await levelOf(order)).toEqual({ on_hand: 8, reserved: 1 });
  });

  test('one who sends and one who cancels: only one of them does', async () => {
    const order = await confirmed(1);
    const { held, release } = await holdOrder(app, order.id);
    const racing = Promise.all([fulfil(order.id), cancel(order.id)]);
    await held(2);
    await release();
    const [sent, cancelled] = await racing;
    expect([`${sent.status} ${cancelled.status}`]).toEqual([expect.stringMatching(/^(201 409|409 200)$/)]);
    expect(await levelOf(order)).toEqual({ on_hand: sent.status === 201 ? 9 : 10, reserved: 0 });
  });

  test('deliveries of the last two parts complete the order once', async () => {
    const order = await confirmed(2);
    const ids = [];
    for (let i = 0; i < 2; i++)
      ids.push(
        (
          await fulfil(order.id)
            .send({ lines: [part(order, 0, 1)] })
            .expect(201)
        ).body.data.id as string,
      );
    const { held, release } = await holdOrder(app, order.id);
    const racing = Promise.all(ids.map((id) => deliver(id)));
    await held(2);
    await release();
    expect((await racing).map(({ status }) => status)).toEqual([200, 200]);
    expect(await read(order.id)).toMatchObject({ status: 'completed' });
    expect((await factsOf(order.id)).filter((type) => type === 'order.completed')).toHaveLength(1);
  });
});
