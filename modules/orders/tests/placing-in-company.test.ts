// Orders that arrive together are placed by one statement, and each has a fate of its own.
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { key, startTestApp, type Person, type TestApp } from '../../../tests/support/app.ts';
import { crowd } from '../../../tests/support/crowd.ts';
import { gate, until } from '../../../tests/support/room-database.ts';

let app: TestApp;
let alice: Person;
beforeAll(async () => {
  app = await startTestApp();
  alice = await app.signIn();
});
afterAll(() => app.close());
afterEach(() => void vi.restoreAllMocks());
const placing = (headers: Record<string, string>, body: object) =>
  app.api.post('/api/v1/orders').set(alice.auth).set(headers).send(body);
/** Sent at once: supertest sends what is awaited. */
const place = async (sku: string, { quantity = 1, headers = key(), ...more }: { quantity?: number; headers?: Record<string, string> } & Record<string, unknown> = {}) =>
  await placing(headers, { lines: [{ sku, quantity }], ...more }); // prettier-ignore
const levelOf = async (sku: string) =>
  (await app.sql('SELECT on_hand, reserved, version FROM catalog.stock WHERE sku = $1', [sku]))[0];

/** One order is on its way to the database and held up there: whoever arrives now waits behind it, and goes together. */
async function company() {
  const { sku } = await app.sellable();
  const asked = vi.spyOn(app.modules.catalog.service, 'recallForSale');
  const { opened, open } = gate();
  const placings: number[] = [];
  const query = Reflect.get(pg.Client.prototype, 'query') as (...args: unknown[]) => unknown;
  vi.spyOn(pg.Client.prototype, 'query').mockImplementation(function (this: pg.Client, ...args: unknown[]) {
    const { text, values } = args[0] as { text?: string; values?: string[] };
    if (text?.includes('orders.place_all') !== true) return query.apply(this, args);
    const isFirst = placings.push((JSON.parse(values?.[0] ?? '[]') as unknown[]).length) === 1;
    return isFirst ? void opened.then(() => query.apply(this, args)) : query.apply(this, args);
  });
  const first = place(sku);
  await until(() => placings.length === 1);
  return {
    /** So many others have their prices. */
    together: (count: number) =>
      until(() => asked.mock.settledResults.filter(({ type }) => type === 'fulfilled').length === count + 1),
    letGo: async () => {
      open();
      expect((await first).status).toBe(201);
    },
    /** How many orders each statement placed. */
    statements: () => placings,
  };
}

describe('orders that arrive together', () => {
  test('get each their own answer from one statement: placed, short, replayed, repriced', async () => {
    const [mug, hat] = [await app.sellable({ onHand: 3 }), await app.sellable({ amount: 500, taxRateBps: 0 })];
    const known = key();
    const earlier = await place(mug.sku, { headers: known });
    const admin = await app.signIn({ role: 'admin' });

    const { together, letGo, statements } = await company();
    const expectedTotal = { amount: 500, currency: 'EUR' };
    const some = [
      place(mug.sku),
      place(mug.sku, { quantity: 2 }),
      place(mug.sku, { headers: known }),
      place(hat.sku, { expectedTotal }),
      place(mug.sku),
    ];
    const refused = [place('UNKNOWN'), place(mug.sku, { note: 'a\0b' }), place(hat.sku, { expectedTotal: { ...expectedTotal, amount: 1 } })]; // prettier-ignore
    await together(7);
    await app.api.patch(`/api/v1/products/${hat.productId}`).set(admin.auth).set('If-Match', '"1"')
      .send({ variants: [{ sku: hat.sku, price: { amount: 501, currency: 'EUR' } }] }).expect(200); // prettier-ignore
    await letGo();
    const [one, short, replay, repriced, other] = await Promise.all(some);
    // The order whose price had changed is quoted again, and refused for that before it comes to the database again.
    expect(statements()).toEqual([1, 5]);

    expect([one?.status, other?.status]).toEqual([201, 201]);
    expect(short?.body).toMatchObject({ code: 'insufficient_stock', errors: [{ pointer: '/lines/0/quantity', available: 1 }] }); // prettier-ignore
    expect(replay?.body).toEqual(earlier.body);
    expect(replay?.headers).toMatchObject({ 'idempotency-replayed': 'true' });
    expect(repriced?.body).toMatchObject({ code: 'price_changed' });
    expect((await Promise.all(refused)).map(({ body }) => body.code)).toEqual(['unknown_sku', 'validation_failed', 'price_changed']); // prettier-ignore
    expect(await levelOf(mug.sku)).toMatchObject({ on_hand: 3, reserved: 3 });
    expect(await levelOf(hat.sku)).toMatchObject({ reserved: 0 });
    const [first, second] = [one?.body.data, other?.body.data];
    expect(Number(second.number.slice(2)) - Number(first.number.slice(2))).toBe(1);
  });

  test('change a level once, and the ledger tells of each', async () => {
    const { sku } = await app.sellable({ onHand: 10 });
    const before = await levelOf(sku);
    const { together, letGo, statements } = await company();
    const all = [1, 2, 3].map((quantity) => place(sku, { quantity }));
    await together(3);
    await letGo();
    const answers = await Promise.all(all);
    expect(statements()).toEqual([1, 3]);
    expect(await levelOf(sku)).toEqual({ on_hand: 10, reserved: 6, version: Number(before?.['version']) + 1 });
    const ledger = await app.sql(
      'SELECT reserved_delta, reserved, order_id FROM catalog.stock_movements WHERE sku = $1 AND order_id IS NOT NULL ORDER BY seq',
      [sku],
    );
    const ids = answers.map(({ body }) => body.data.id);
    expect(ledger).toEqual([
      { reserved_delta: 1, reserved: 1, order_id: ids[0] },
      { reserved_delta: 2, reserved: 3, order_id: ids[1] },
      { reserved_delta: 3, reserved: 6, order_id: ids[2] },
    ]);
    for (const [i, { body }] of answers.entries()) {
      const facts = await app.sql('SELECT type, request_id FROM events.outbox WHERE aggregate_id = $1', [ids[i]]);
      expect(facts).toEqual([{ type: 'order.placed', request_id: answers[i]?.headers['x-request-id'] }]);
      const { body: read } = await app.api.get(`/api/v1/orders/${ids[i]}`).set(alice.auth).expect(200);
      expect(read).toEqual(body);
    }
  });

  test('do not suffer for one that no database takes', async () => {
    const { sku } = await app.sellable({ onHand: 10 });
    await app.sql(
      `CREATE FUNCTION public.refuse_poison() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'poison'; END $$`,
    );
    await app.sql(`CREATE TRIGGER poison BEFORE INSERT ON orders.orders FOR EACH ROW WHEN (NEW.note = 'poison') EXECUTE FUNCTION public.refuse_poison()`); // prettier-ignore
    const { together, letGo, statements } = await company();
    const all = [place(sku), place(sku, { note: 'poison' }), place(sku)];
    await together(3);
    await letGo();
    expect((await Promise.all(all)).map(({ status }) => status)).toEqual([201, 500, 201]);
    expect(statements()).toEqual([1, 3, 1, 1, 1]);
    expect(await levelOf(sku)).toMatchObject({ reserved: 2 });
    await app.sql('DROP TRIGGER poison ON orders.orders');
  });

  test('are each told when the account is gone, and nobody else’s', async () => {
    const { sku } = await app.sellable({ onHand: 10 });
    const bob = await app.signIn();
    const { together, letGo, statements } = await company();
    const all = [place(sku), app.api.post('/api/v1/orders').set(bob.auth).set(key()).send({ lines: [{ sku, quantity: 1 }] })]; // prettier-ignore
    const sent = Promise.all(all);
    await together(2);
    await app.sql(`UPDATE users.users SET status = 'disabled' WHERE id = $1`, [bob.userId]);
    await letGo();
    expect((await sent).map(({ status }) => status)).toEqual([201, 401]);
    expect(statements()).toEqual([1, 2]);
    expect(await levelOf(sku)).toMatchObject({ reserved: 1 });
  });
});

test.each([1, 64])(
  '160 buyers, 64 at once, want 25 units, at most %d in a statement: 25 get one',
  async (orderBatchMax) => {
    const shop = await startTestApp({ config: { orderBatchMax } });
    try {
      const { sku } = await shop.sellable({ onHand: 25 });
      const buyer = await shop.signIn();
      const answers = await crowd(Array.from({ length: 160 }), 64, async () => {
        const same = key();
        const order = () => shop.api.post('/api/v1/orders').set(buyer.auth).set(same).send({ lines: [{ sku, quantity: 1 }] }); // prettier-ignore
        let answer = await order();
        // One by one they may wait longer than a server lets them on a busy machine: it says so, and is asked again.
        while (answer.status === 503) answer = await order();
        return answer;
      });
      const count = (status: number) => answers.filter((answer) => answer.status === status).length;
      expect([count(201), count(422)]).toEqual([25, 135]);
      expect(await shop.modules.catalog.stock.ledgerDifferences()).toEqual([]);
    } finally {
      await shop.close();
    }
  },
);
