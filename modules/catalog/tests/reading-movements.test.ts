// Reading the ledger: every change of a level with its reason or its order, newest first.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { key, startTestApp, type Person, type TestApp } from '../../../tests/support/app.ts';
import { euros, expectFault, ifMatch, newSku } from './support.ts';

type Movement = {
  id: string;
  sku: string;
  kind: string;
  delta: number;
  reservedDelta: number;
  onHand: number;
  reserved: number;
  reason: string | null;
  orderId: string | null;
  createdAt: string;
};

let app: TestApp;
let keeper: Person;
let customer: Person;

beforeAll(async () => {
  app = await startTestApp();
  keeper = await app.signIn({ role: 'warehouse' });
  customer = await app.signIn();
});
afterAll(() => app.close());

const path = '/api/v1/stock/movements';
const movementsOf = async (sku: string): Promise<Movement[]> => {
  const { body } = await app.api.get(`${path}?sku=${sku}`).set(keeper.auth).expect(200);
  return body.data as Movement[];
};

async function place(sku: string, quantity: number): Promise<string> {
  const { body } = await app.api
    .post('/api/v1/orders')
    .set(customer.auth)
    .set(key())
    .send({ lines: [{ sku, quantity }] })
    .expect(201);
  return (body.data as { id: string }).id;
}

describe('the ledger of a SKU', () => {
  it('tells its opening, its adjustments and its orders', async () => {
    const { sku } = await app.sellable({ onHand: 10 });
    const adjusted = await app.api
      .post('/api/v1/stock/adjustments')
      .set(keeper.auth)
      .set(key())
      .send({ sku, delta: -2, reason: 'Broken' })
      .expect(201);
    const orderId = await place(sku, 3);
    await app.api.post(`/api/v1/orders/${orderId}/cancellation`).set(customer.auth).set(key()).send({}).expect(200);
    const movements = await movementsOf(sku);
    expect(movements).toMatchObject([
      { sku, kind: 'release', delta: 0, reservedDelta: -3, onHand: 8, reserved: 0, reason: null, orderId },
      { sku, kind: 'reservation', delta: 0, reservedDelta: 3, onHand: 8, reserved: 3, reason: null, orderId },
      { sku, kind: 'adjustment', delta: -2, reservedDelta: 0, onHand: 8, reserved: 0, reason: 'Broken', orderId: null },
      { sku, kind: 'adjustment', delta: 10, onHand: 10, reason: 'Opening stock', orderId: null },
    ]);
    expect(movements[2]).toEqual(adjusted.body.data);
    expect(new Set(movements.map(({ id }) => id)).size).toBe(4);
  });

  it('is without the others', async () => {
    const [one, other] = [await app.sellable(), await app.sellable()];
    expect((await movementsOf(one.sku)).map(({ sku }) => sku)).toEqual([one.sku]);
    expect((await movementsOf(other.sku)).map(({ sku }) => sku)).toEqual([other.sku]);
    const { body } = await app.api.get(`${path}?limit=2`).set(keeper.auth).expect(200);
    expect((body.data as Movement[]).map(({ sku }) => sku)).toEqual([other.sku, one.sku]);
  });

  it('is empty for a SKU that is not known, and for one without stock', async () => {
    const sku = newSku();
    expect(await movementsOf(sku)).toEqual([]);
    const { productId } = await app.sellable();
    const admin = await app.signIn({ role: 'admin' });
    await app.api
      .patch(`/api/v1/products/${productId}`)
      .set(admin.auth)
      .set(ifMatch(1))
      .send({ variants: [{ sku, price: euros(1) }] })
      .expect(200);
    expect(await movementsOf(sku)).toEqual([]);
  });

  it.each([
    ['/query/sku', 'sku=a%20b'],
    ['/query/limit', 'limit=0'],
    ['/query/orderId', 'orderId=1'],
  ])('refuses %s in ?%s', async (pointer, query) =>
    expectFault((await app.api.get(`${path}?${query}`).set(keeper.auth).expect(400)).body, pointer),
  );

  it.each(['["-1"]', '["1.5"]', '["9999999999999999999"]', '["x"]', '[1]', '["1","2"]'])(
    'refuses the cursor %s',
    async (text) => {
      const cursor = Buffer.from(text).toString('base64url');
      const { body } = await app.api.get(`${path}?cursor=${cursor}`).set(keeper.auth).expect(400);
      expect(body).toMatchObject({ code: 'cursor_invalid' });
    },
  );
});

describe('the database', () => {
  it('takes no movement without a cause, and makes ids that sort by their time', async () => {
    const { sku } = await app.sellable();
    const insert = (columns: string, values: string) =>
      app.sql(
        `INSERT INTO catalog.stock_movements (sku, kind, on_hand_delta, reserved_delta, on_hand, reserved, ${columns})
         VALUES ($1, 'adjustment', 0, 0, 100, 0, ${values}) RETURNING id`,
        [sku],
      );
    await expect(insert('reason', 'NULL')).rejects.toThrow('stock_movements_cause');
    const ids = await app.sql<{ early: string; late: string }>(
      `SELECT catalog.id_at('2026-11-21 10:00:00.001Z') AS early, catalog.id_at('2026-11-21 10:00:00.002Z') AS late`,
    );
    const [{ early, late } = { early: '', late: '' }] = ids;
    const millis = (id: string) => new Date(parseInt(id.replaceAll('-', '').slice(0, 12), 16)).toISOString();
    expect([millis(early), millis(late)]).toEqual(['2026-11-21T10:00:00.001Z', '2026-11-21T10:00:00.002Z']);
    expect(early).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });
});
