// A customer places an order: what is asked, what is reserved, what is answered, and what happens when it is sent again.
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi, type MockInstance } from 'vitest';
import { key, startTestApp, type Person, type TestApp } from '../../../tests/support/app.ts';

let app: TestApp;
let alice: Person;
beforeAll(async () => {
  app = await startTestApp();
  alice = await app.signIn();
});
afterAll(() => app.close());

type Line = { sku: string; quantity: number };
const place = (person: Person, body: object, headers = key()) =>
  app.api.post('/api/v1/orders').set(person.auth).set(headers).send(body);
const lines = (...list: Line[]) => ({ lines: list });
const levelOf = async (sku: string) =>
  (await app.sql('SELECT on_hand, reserved FROM catalog.stock WHERE sku = $1', [sku]))[0];
const countOrders = async (person: Person) =>
  (await app.sql('SELECT count(*)::int AS count FROM orders.orders WHERE customer_id = $1', [person.userId]))[0]?.[
    'count'
  ];

describe('an order placed', () => {
  test('answers what was ordered, reserves it, and tells it', async () => {
    const { sku } = await app.sellable({ title: 'Mug', amount: 1299, taxRateBps: 1900, onHand: 5 });
    const address = { name: 'Alice', line1: '1 High Street', city: 'Springfield', country: 'US' };
    const { body, headers } = await place(alice, {
      ...lines({ sku, quantity: 2 }),
      shippingAddress: address,
      note: 'Ring twice.',
    }).expect(201);

    const order = body.data;
    expect(order).toMatchObject({
      status: 'pending_payment', paymentStatus: 'unpaid', fulfillmentStatus: 'unfulfilled', customerId: alice.userId, currency: 'EUR', version: 1,
      subtotal: { amount: 2598, currency: 'EUR' }, tax: { amount: 494, currency: 'EUR' }, total: { amount: 3092, currency: 'EUR' },
      shippingAddress: address, note: 'Ring twice.', cancelReason: null,
      lines: [{ sku, title: 'Mug', quantity: 2, unitPrice: { amount: 1299 }, tax: { amount: 494 }, total: { amount: 3092 } }],
    }); // prettier-ignore
    expect(order.number).toMatch(/^W-\d{4,}$/);
    expect(Date.parse(order.expiresAt) - Date.parse(order.placedAt)).toBe(900_000);
    expect(headers).toMatchObject({ location: `/api/v1/orders/${order.id}`, etag: '"1"' });
    expect(headers).not.toHaveProperty('idempotency-replayed');

    expect(await levelOf(sku)).toEqual({ on_hand: 5, reserved: 2 });
    const { body: read } = await app.api.get(`/api/v1/orders/${order.id}`).set(alice.auth).expect(200);
    expect(read).toEqual(body);
    const [fact] = await app.sql('SELECT type, payload FROM events.outbox WHERE aggregate_id = $1', [order.id]);
    expect(fact).toEqual({
      type: 'order.placed',
      payload: { orderId: order.id, customerId: alice.userId, number: order.number, total: order.total },
    });
    const history = await app.sql(
      'SELECT action, from_status, to_status, actor_id FROM orders.transitions WHERE order_id = $1',
      [order.id],
    );
    expect(history).toEqual([
      { action: 'place', from_status: null, to_status: 'pending_payment', actor_id: alice.userId },
    ]);
  });

  test('costs two round trips: one asks the prices, one places', async () => {
    const { sku } = await app.sellable();
    // Who is calling is remembered for a second.
    await app.api.get('/api/v1/users/me').set(alice.auth).expect(200);
    const sent = vi.spyOn(pg.Client.prototype, 'query');
    try {
      await place(alice, lines({ sku, quantity: 1 })).expect(201);
      const texts = sent.mock.calls.map(([statement]) => (statement as unknown as { text: string }).text);
      expect(texts).toEqual([
        expect.stringContaining('FROM catalog.variants'),
        expect.stringContaining('orders.place_all($1, $2, $3, $4, $5)'),
      ]);
    } finally {
      sent.mockRestore();
    }
  });

  test('quoting it first costs nothing and changes nothing', async () => {
    const { sku } = await app.sellable({ amount: 500, taxRateBps: 700, onHand: 1 });
    const { body } = await app.api
      .post('/api/v1/orders/quote')
      .set(alice.auth)
      .send(lines({ sku, quantity: 4 }))
      .expect(200);
    expect(body.data).toMatchObject({
      currency: 'EUR',
      subtotal: { amount: 2000 },
      tax: { amount: 140 },
      total: { amount: 2140 },
    });
    expect(await levelOf(sku)).toEqual({ on_hand: 1, reserved: 0 });
  });

  test('keeps its prices and titles when the product changes', async () => {
    const { sku, productId } = await app.sellable({ title: 'Old title', amount: 100 });
    const { body } = await place(alice, lines({ sku, quantity: 1 })).expect(201);
    const admin = await app.signIn({ role: 'admin' });
    await app.api.patch(`/api/v1/products/${productId}`).set(admin.auth).set('If-Match', '"1"')
      .send({ title: 'New title', variants: [{ sku, price: { amount: 999, currency: 'EUR' } }] }).expect(200); // prettier-ignore
    const { body: read } = await app.api.get(`/api/v1/orders/${body.data.id}`).set(alice.auth).expect(200);
    expect(read.data.lines[0]).toMatchObject({ title: 'Old title', unitPrice: { amount: 100 } });
  });
});

describe('the same request again', () => {
  test('answers the same bytes and does nothing, even when the product is gone by then', async () => {
    const { sku, productId } = await app.sellable({ onHand: 3 });
    const intent = key();
    const first = await place(alice, lines({ sku, quantity: 2 }), intent).expect(201);
    const admin = await app.signIn({ role: 'admin' });
    await app.api.delete(`/api/v1/products/${productId}`).set(admin.auth).set('If-Match', '"1"').expect(204);
    const again = await place(alice, lines({ sku, quantity: 2 }), intent).expect(201);
    expect(again.text).toBe(first.text);
    expect(again.headers).toMatchObject({
      'idempotency-replayed': 'true',
      location: first.headers['location'],
      etag: first.headers['etag'],
    });
    expect(await levelOf(sku)).toEqual({ on_hand: 3, reserved: 2 });
  });

  test('with another body is refused', async () => {
    const { sku } = await app.sellable();
    const intent = key();
    await place(alice, lines({ sku, quantity: 1 }), intent).expect(201);
    const { body } = await place(alice, lines({ sku, quantity: 2 }), intent).expect(422);
    expect(body.code).toBe('idempotency_key_reused');
  });

  test('of somebody else is another key', async () => {
    const { sku } = await app.sellable();
    const bob = await app.signIn();
    const intent = key();
    const { body: hers } = await place(alice, lines({ sku, quantity: 1 }), intent).expect(201);
    const { body: his } = await place(bob, lines({ sku, quantity: 1 }), intent).expect(201);
    expect(his.data.id).not.toBe(hers.data.id);
  });

  test('after a refusal tells the refusal again, word for word, though stock has come in since', async () => {
    const { sku } = await app.sellable({ onHand: 1 });
    const intent = key();
    const first = await place(alice, lines({ sku, quantity: 2 }), intent).expect(422);
    const warehouse = await app.signIn({ role: 'warehouse' });
    await app.api
      .post('/api/v1/stock/adjustments')
      .set(warehouse.auth)
      .set(key())
      .send({ sku, delta: 10, reason: 'Delivery' })
      .expect(201);
    const again = await place(alice, lines({ sku, quantity: 2 }), intent).expect(422);
    expect(again.text).toBe(first.text);
    expect(again.headers['idempotency-replayed']).toBe('true');
  });

  test('twenty at once make one order', async () => {
    const { sku } = await app.sellable();
    const bob = await app.signIn();
    const intent = key();
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => place(bob, lines({ sku, quantity: 1 }), intent)),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 201));
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    expect(await countOrders(bob)).toBe(1);
  });
});

test('two refused at once are told the same, word for word', async () => {
  const { sku } = await app.sellable({ onHand: 1 });
  const intent = key();
  const answers = await Promise.all([1, 2].map(() => place(alice, lines({ sku, quantity: 2 }), intent).expect(422)));
  expect(answers[0]?.text).toBe(answers[1]?.text);
});

describe('an order refused', () => {
  test('when a line is short: each short line is named with what is available, and nothing is reserved', async () => {
    const [plenty, few, none] = await Promise.all([
      app.sellable({ onHand: 50 }),
      app.sellable({ onHand: 2 }),
      app.sellable({ onHand: 0 }),
    ]);
    const cart = lines({ sku: few.sku, quantity: 3 }, { sku: plenty.sku, quantity: 3 }, { sku: none.sku, quantity: 1 });
    const { body } = await place(alice, cart).expect(422);
    expect(body).toMatchObject({
      code: 'insufficient_stock',
      errors: [
        { pointer: '/lines/0/quantity', code: 'insufficient_stock', available: 2 },
        { pointer: '/lines/2/quantity', code: 'insufficient_stock', available: 0 },
      ],
    });
    expect(await levelOf(plenty.sku)).toEqual({ on_hand: 50, reserved: 0 });
  });

  test('when the total is not the expected one', async () => {
    const { sku } = await app.sellable({ amount: 1000, taxRateBps: 0 });
    const { body } = await place(alice, {
      ...lines({ sku, quantity: 1 }),
      expectedTotal: { amount: 999, currency: 'EUR' },
    }).expect(409);
    expect(body).toMatchObject({ code: 'price_changed', total: { amount: 1000, currency: 'EUR' } });
    await place(alice, { ...lines({ sku, quantity: 1 }), expectedTotal: { amount: 1000, currency: 'EUR' } }).expect(
      201,
    );
  });

  test('when a SKU is unknown, a draft, or of another currency', async () => {
    const euro = await app.sellable();
    const yen = await app.sellable({ currency: 'JPY' });
    const admin = await app.signIn({ role: 'admin' });
    const draft = `DRAFT-${randomUUID()}`;
    await app.api.post('/api/v1/products').set(admin.auth)
      .send({ title: 'Not yet', status: 'draft', variants: [{ sku: draft, price: { amount: 1, currency: 'EUR' }, onHand: 9 }] }).expect(201); // prettier-ignore
    const refusals: [Line[], string][] = [
      [
        [
          { sku: euro.sku, quantity: 1 },
          { sku: 'NO-SUCH', quantity: 1 },
        ],
        'unknown_sku',
      ],
      [
        [
          { sku: euro.sku, quantity: 1 },
          { sku: draft, quantity: 1 },
        ],
        'product_unavailable',
      ],
      [
        [
          { sku: euro.sku, quantity: 1 },
          { sku: yen.sku, quantity: 1 },
        ],
        'mixed_currencies',
      ],
    ];
    for (const [cart, code] of refusals) {
      const { body } = await place(alice, lines(...cart)).expect(422);
      expect(body).toMatchObject({
        code,
        errors: [expect.objectContaining({ pointer: expect.stringMatching(/^\/lines\/\d\/sku$/) })],
      });
    }
    const { body } = await place(alice, lines({ sku: euro.sku, quantity: 1 }, { sku: euro.sku, quantity: 1 })).expect(
      400,
    );
    expect(body).toMatchObject({ code: 'duplicate_sku', errors: [{ pointer: '/lines/1/sku' }] });
    expect(await levelOf(euro.sku)).toEqual({ on_hand: 100, reserved: 0 });
  });
});

describe('staff', () => {
  test('of support order for a customer, who then sees the order as their own', async () => {
    const { sku } = await app.sellable();
    const support = await app.signIn({ role: 'support' });
    const { body } = await place(support, { ...lines({ sku, quantity: 1 }), customerId: alice.userId }).expect(201);
    await app.api.get(`/api/v1/orders/${body.data.id}`).set(alice.auth).expect(200);
    const { body: unknown } = await place(support, {
      ...lines({ sku, quantity: 1 }),
      customerId: '01939d3a-7c1e-7b1a-8f00-000000000001',
    }).expect(422);
    expect(unknown.code).toBe('customer_unknown');
    const { body: nobody } = await place(support, lines({ sku, quantity: 1 })).expect(400);
    expect(nobody.errors).toMatchObject([{ pointer: '/customerId', code: 'required' }]);
  });

  test('only: a customer may not order for another', async () => {
    const { sku } = await app.sellable();
    const bob = await app.signIn();
    const { body } = await place(alice, { ...lines({ sku, quantity: 1 }), customerId: bob.userId }).expect(403);
    expect(body.code).toBe('permission_denied');
  });
});

describe('a price that changes while the order is on its way', () => {
  const raise = (sku: string, amount: number) =>
    app.sql('UPDATE catalog.variants SET amount = $2 WHERE sku = $1', [sku, amount]);
  afterEach(() => void vi.restoreAllMocks());

  /** The price moves after it was recalled and before the statement that places looks at it. */
  function raiseBehindTheQuote(sku: string, amount: number): MockInstance {
    const { service } = app.modules.catalog;
    const recall = service.recallForSale.bind(service);
    vi.spyOn(service, 'recallForSale').mockImplementation(async (skus) => {
      const recalled = await recall(skus);
      await raise(sku, amount);
      return recalled;
    });
    return vi.spyOn(service, 'findForSale');
  }

  test('is quoted again, so that the order has the price of the moment it was placed', async () => {
    const { sku } = await app.sellable({ amount: 1000, taxRateBps: 0 });
    await place(alice, lines({ sku, quantity: 1 })).expect(201);
    const asked = raiseBehindTheQuote(sku, 1100);
    const { body } = await place(alice, lines({ sku, quantity: 1 })).expect(201);
    expect(body.data.total.amount).toBe(1100);
    expect(asked).toHaveBeenCalledTimes(1);
  });

  test('is what a customer is told who expected another total', async () => {
    const { sku } = await app.sellable({ amount: 1000, taxRateBps: 0 });
    await place(alice, lines({ sku, quantity: 1 })).expect(201);
    raiseBehindTheQuote(sku, 1100);
    const expectedTotal = { amount: 1000, currency: 'EUR' };
    const { body } = await place(alice, { ...lines({ sku, quantity: 1 }), expectedTotal }).expect(409);
    expect(body).toMatchObject({ code: 'price_changed', total: { amount: 1100, currency: 'EUR' } });
    expect(await levelOf(sku)).toEqual({ on_hand: 100, reserved: 1 });
  });

  test('for ever is answered 503, and nothing is placed', async () => {
    const { sku } = await app.sellable({ amount: 1000 });
    const { service } = app.modules.catalog;
    const find = service.findForSale.bind(service);
    vi.spyOn(service, 'findForSale').mockImplementation(async (skus) =>
      (await find(skus)).map((variant) => ({ ...variant, price: { ...variant.price, amount: 1 } })),
    );
    const { body, headers } = await place(alice, lines({ sku, quantity: 1 })).expect(503);
    expect(body.code).toBe('prices_in_motion');
    expect(headers['retry-after']).toBe('1');
    expect(await levelOf(sku)).toEqual({ on_hand: 100, reserved: 0 });
  });
});

describe('what is remembered of a SKU', () => {
  test('costs an order no look at the catalogue', async () => {
    const { sku } = await app.sellable();
    const asked = vi.spyOn(app.modules.catalog.service, 'findForSale');
    for (let i = 0; i < 3; i++) await place(alice, lines({ sku, quantity: 1 })).expect(201);
    expect(asked).toHaveBeenCalledTimes(1);
    asked.mockRestore();
  });

  test('is forgotten with the answer to who renames it', async () => {
    const { sku, productId } = await app.sellable({ title: 'Mug' });
    await place(alice, lines({ sku, quantity: 1 })).expect(201);
    const admin = await app.signIn({ role: 'admin' });
    await app.api.patch(`/api/v1/products/${productId}`).set(admin.auth).set('If-Match', '"1"').send({ title: 'Cup' }).expect(200); // prettier-ignore
    const { body } = await place(alice, lines({ sku, quantity: 1 })).expect(201);
    expect(body.data.lines[0].title).toBe('Cup');
  });

  test.for([
    ['is sold again', 'archived', 'active', 201, undefined],
    ['is not sold any more', 'active', 'archived', 422, 'product_unavailable'],
  ] as const)('is not what decides when a product %s unheard', async ([, before, after, status, code]) => {
    const { sku, productId } = await app.sellable();
    const set = (to: string) =>
      app.sql(
        `WITH silent AS MATERIALIZED (SELECT set_config('session_replication_role', 'replica', true))
         UPDATE catalog.products SET status = $2 FROM silent WHERE id = $1`,
        [productId, to],
      );
    await set(before);
    await place(alice, lines({ sku, quantity: 1 })).expect(before === 'active' ? 201 : 422);
    await set(after);
    const { body } = await place(alice, lines({ sku, quantity: 1 })).expect(status);
    expect(body.code).toBe(code);
  });
});
