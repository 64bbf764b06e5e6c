// Reserving stock for an order, and giving it back: all lines or none, never more than there is, never a deadlock.
import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Connection } from '../../../shared/database/database.ts';
import { newId } from '../../../shared/domain/ids.ts';
import { startTestApp, type TestApp } from '../../../tests/support/app.ts';
import { ProductRepository } from '../product.repository.ts';
import { StockRepository } from '../stock.repository.ts';
import {
  connect,
  everything,
  levelOf,
  line,
  movementsOf,
  newSku,
  ordersDatabase,
  reserve,
  reserveAll,
  untilWaiting,
} from './support.ts';

let app: TestApp;
let orders: ReturnType<typeof ordersDatabase>;

beforeAll(async () => {
  app = await startTestApp();
  orders = ordersDatabase(app);
});
afterAll(async () => {
  expect(await app.modules.catalog.stock.ledgerDifferences()).toEqual([]);
  await orders.close();
  await app.close();
});

const release = (orderId: string, lines: { sku: string; quantity: number }[]) =>
  orders.transaction((tx) => app.modules.catalog.stock.release(tx, orderId, lines));
const ship = (orderId: string, lines: { sku: string; quantity: number }[]) =>
  orders.transaction((tx) => app.modules.catalog.stock.ship(tx, orderId, lines));

describe('a reservation', () => {
  it('takes every line, and the ledger tells for which order', async () => {
    const [one, other] = [
      await app.sellable({ onHand: 5 }),
      await app.sellable({ onHand: 9, amount: 10 ** 10, currency: 'JPY', taxRateBps: 0 }),
    ];
    await using buyer = await connect(app, 'orders');
    const orderId = newId();
    const fate = await reserve(
      buyer,
      [line(other.sku, 9, { amount: 10 ** 10, currency: 'JPY', taxRateBps: 0 }), line(one.sku, 2)],
      orderId,
    );
    expect(fate).toEqual({ outcome: 'reserved' });
    expect(await levelOf(app, one.sku)).toMatchObject({ onHand: 5, reserved: 2 });
    expect(await levelOf(app, other.sku)).toMatchObject({ onHand: 9, reserved: 9 });
    expect((await movementsOf(app, one.sku))[1]).toEqual({
      kind: 'reservation',
      onHandDelta: 0,
      reservedDelta: 2,
      onHand: 5,
      reserved: 2,
      reason: null,
      orderId,
    });
  });

  it('that is short has no effect, and names every short line in SKU order', async () => {
    const [b, a, c] = ['SHORT-B', 'SHORT-A', 'SHORT-C'];
    for (const [sku, onHand] of [
      [b, 1],
      [a, 0],
      [c, 50],
    ] as const)
      await app.sellable({ sku, onHand });
    await using buyer = await connect(app, 'orders');
    expect(await reserve(buyer, [line(b, 1)])).toEqual({ outcome: 'reserved' });
    const before = await everything(app);
    expect(await reserve(buyer, [line(c, 50), line(b, 1), line(a, 3)])).toEqual({
      outcome: 'short',
      lines: [
        { sku: a, available: 0 },
        { sku: b, available: 0 },
      ],
    });
    expect(await everything(app)).toEqual(before);
  });

  it.each([
    ['the price', { amount: 999 }],
    ['the currency', { currency: 'USD' }],
    ['the tax rate', { taxRateBps: 700 }],
    ['the SKU', { sku: 'NOT-THERE' }],
  ])('has no effect when %s is not the quoted one, even if another line is short', async (_name, change) => {
    const [one, other] = [await app.sellable(), await app.sellable({ onHand: 0 })];
    await using buyer = await connect(app, 'orders');
    const before = await everything(app);
    expect(await reserve(buyer, [line(one.sku, 1, change), line(other.sku, 1)])).toEqual({ outcome: 'changed' });
    expect(await everything(app)).toEqual(before);
  });

  it('is for products on sale only', async () => {
    const { productId, sku } = await app.sellable();
    await using buyer = await connect(app, 'orders');
    for (const status of ['draft', 'archived']) {
      await app.sql('UPDATE catalog.products SET status = $2 WHERE id = $1', [productId, status]);
      expect(await reserve(buyer, [line(sku, 1)])).toEqual({ outcome: 'changed' });
    }
  });

  it('takes 50 lines', async () => {
    const skus = Array.from({ length: 50 }, newSku);
    const admin = await app.signIn({ role: 'admin' });
    const variants = skus.map((sku) => ({
      sku,
      price: { amount: 1000, currency: 'EUR' },
      taxRateBps: 1900,
      onHand: 3,
    }));
    await app.api.post('/api/v1/products').set(admin.auth).send({ title: 'Many', variants }).expect(201);
    await using buyer = await connect(app, 'orders');
    expect(
      await reserve(
        buyer,
        skus.map((sku) => line(sku, 3)),
      ),
    ).toEqual({ outcome: 'reserved' });
    expect(await reserve(buyer, [line(skus[0] ?? '', 1)])).toMatchObject({ outcome: 'short' });
  });

  it('is made by those whom the function was given to, who see no table', async () => {
    const { sku } = await app.sellable();
    await using buyer = await connect(app, 'orders');
    await expect(buyer.query('SELECT sku FROM catalog.stock')).rejects.toMatchObject({ code: '42501' });
    await using stranger = await connect(app, 'payments');
    await expect(reserve(stranger, [line(sku, 1)])).rejects.toMatchObject({ code: '42501' });
  });

  it('looks at our tables, whatever the caller’s session names the same', async () => {
    const { sku } = await app.sellable({ onHand: 0 });
    await using buyer = await connect(app, 'orders');
    await buyer.query(
      `CREATE TEMP TABLE stock (sku text, on_hand integer, reserved integer); CREATE DOMAIN pg_temp.text AS pg_catalog.text CHECK (value <> 'x')`,
    );
    await buyer.query('SET search_path = pg_temp, catalog');
    expect(await reserve(buyer, [line(sku, 1)])).toMatchObject({ outcome: 'short' });
    const [settings] = await app.sql<{ config: string[] }>(
      `SELECT proconfig AS config FROM pg_proc WHERE oid = 'catalog.reserve_all'::regproc`,
    );
    expect(settings?.config).toEqual(['search_path=pg_catalog, pg_temp']);
  });
});

describe('reservations in company', () => {
  it('are decided in their order: what one gets the next cannot have, and one that gets none takes none', async () => {
    const [one, other] = [await app.sellable({ onHand: 5 }), await app.sellable({ onHand: 1 })];
    await using buyer = await connect(app, 'orders');
    const before = await levelOf(app, one.sku);
    const fates = await reserveAll(buyer, [
      [line(one.sku, 3)],
      [line(one.sku, 2), line(other.sku, 2)],
      [line(other.sku, 1), line(one.sku, 3)],
      [line(one.sku, 1, { amount: 999 })],
      [line(one.sku, 2), line(other.sku, 1)],
      [line(one.sku, 1)],
    ]);
    expect(fates).toEqual([
      { outcome: 'reserved' },
      { outcome: 'short', lines: [{ sku: other.sku, available: 1 }] },
      { outcome: 'short', lines: [{ sku: one.sku, available: 2 }] },
      { outcome: 'changed' },
      { outcome: 'reserved' },
      { outcome: 'short', lines: [{ sku: one.sku, available: 0 }] },
    ]);
    expect(await levelOf(app, one.sku)).toMatchObject({ onHand: 5, reserved: 5, version: Number(before?.version) + 1 });
    expect(await levelOf(app, other.sku)).toMatchObject({ onHand: 1, reserved: 1 });
    const taken = (await movementsOf(app, one.sku)).slice(1);
    expect(taken).toMatchObject([
      { reservedDelta: 3, reserved: 3 },
      { reservedDelta: 2, reserved: 5 },
    ]);
  });

  it('of orders that are not asked for take nothing', async () => {
    const { sku } = await app.sellable({ onHand: 5 });
    await using buyer = await connect(app, 'orders');
    const [wanted, unwanted] = [newId(), newId()];
    const lines = [wanted, unwanted].map((orderId) => ({ orderId, ...line(sku, 1) }));
    await buyer.query('SELECT refusal FROM catalog.reserve_all($1, $2)', [[wanted], JSON.stringify(lines)]);
    expect((await movementsOf(app, sku)).slice(1)).toMatchObject([{ orderId: wanted }]);
  });
});

describe('two reservations', () => {
  it('for the last one: exactly one gets it', async () => {
    const { sku } = await app.sellable({ onHand: 1 });
    await using holder = await connect(app);
    await using one = await connect(app, 'orders');
    await using other = await connect(app, 'orders');
    await holder.query('BEGIN');
    await holder.query('SELECT sku FROM catalog.stock WHERE sku = $1 FOR UPDATE', [sku]);
    const fates = Promise.all([one, other].map((buyer) => reserve(buyer, [line(sku, 1)])));
    await untilWaiting(app, 2);
    await holder.query('COMMIT');
    const outcomes = await fates;
    expect(outcomes).toContainEqual({ outcome: 'reserved' });
    expect(outcomes).toContainEqual({ outcome: 'short', lines: [{ sku, available: 0 }] });
    expect(await levelOf(app, sku)).toMatchObject({ onHand: 1, reserved: 1 });
  });

  it('for the same SKUs the other way round queue, and never deadlock', async () => {
    const [first, middle, last] = ['LOCK-a', 'LOCK-b', 'LOCK-c'];
    // Stored in another order than the SKUs', so that a scan of the table would lock in another order.
    for (const sku of [last, first, middle]) await app.sellable({ sku });
    await using holder = await connect(app);
    await using one = await connect(app, 'orders');
    await using other = await connect(app, 'orders');
    await holder.query('BEGIN');
    await holder.query('SELECT sku FROM catalog.stock WHERE sku = $1 FOR UPDATE', [middle]);
    const fates = Promise.all([
      reserve(
        one,
        [first, middle, last].map((sku) => line(sku, 1)),
      ),
      reserve(
        other,
        [last, middle, first].map((sku) => line(sku, 1)),
      ),
    ]);
    await untilWaiting(app, 2);
    // Whoever waits for the middle one holds the first, and not the last.
    expect(await lockable(holder, first)).toBe(false);
    expect(await lockable(holder, last)).toBe(true);
    await holder.query('COMMIT');
    expect(await fates).toEqual([{ outcome: 'reserved' }, { outcome: 'reserved' }]);
  });

  /** In a savepoint, so that trying leaves nothing held. */
  async function lockable(client: pg.Client, sku: string): Promise<boolean> {
    await client.query('SAVEPOINT attempt');
    const { rowCount } = await client.query('SELECT sku FROM catalog.stock WHERE sku = $1 FOR UPDATE SKIP LOCKED', [
      sku,
    ]);
    await client.query('ROLLBACK TO attempt');
    return rowCount === 1;
  }
});

describe('a release', () => {
  it('gives back what the order had, in the caller’s transaction', async () => {
    const { sku } = await app.sellable({ onHand: 5 });
    await using buyer = await connect(app, 'orders');
    const orderId = newId();
    await reserve(buyer, [line(sku, 3)], orderId);
    const rolledBack = orders.transaction(async (tx) => {
      await app.modules.catalog.stock.release(tx, orderId, [{ sku, quantity: 3 }]);
      throw new Error('the order changed its mind');
    });
    await expect(rolledBack).rejects.toThrow('changed its mind');
    expect(await levelOf(app, sku)).toMatchObject({ reserved: 3 });
    await release(orderId, [{ sku, quantity: 3 }]);
    expect(await levelOf(app, sku)).toMatchObject({ onHand: 5, reserved: 0 });
    expect((await movementsOf(app, sku))[2]).toEqual({
      kind: 'release',
      onHandDelta: 0,
      reservedDelta: -3,
      onHand: 5,
      reserved: 0,
      reason: null,
      orderId,
    });
  });

  it('is not a shipment, with which the stock leaves the house', async () => {
    const { sku } = await app.sellable({ onHand: 5 });
    await using buyer = await connect(app, 'orders');
    const orderId = newId();
    await reserve(buyer, [line(sku, 3)], orderId);
    await ship(orderId, [{ sku, quantity: 2 }]);
    expect(await levelOf(app, sku)).toMatchObject({ onHand: 3, reserved: 1 });
    expect((await movementsOf(app, sku))[2]).toEqual({
      kind: 'shipment',
      onHandDelta: -2,
      reservedDelta: -2,
      onHand: 3,
      reserved: 1,
      reason: null,
      orderId,
    });
  });

  it.each([
    ['more than is reserved', (sku: string) => [{ sku, quantity: 4 }]],
    ['a SKU that is not there', () => [{ sku: 'NOT-THERE', quantity: 1 }]],
    [
      'a SKU twice',
      (sku: string) => [
        { sku, quantity: 1 },
        { sku, quantity: 2 },
      ],
    ],
  ])('of %s is a defect, and changes nothing', async (_name, linesOf) => {
    const { sku } = await app.sellable();
    await using buyer = await connect(app, 'orders');
    await reserve(buyer, [line(sku, 3)]);
    const before = await everything(app);
    await expect(release(newId(), linesOf(sku))).rejects.toThrow(/^order /);
    await expect(ship(newId(), linesOf(sku))).rejects.toThrow(/^order /);
    expect(await everything(app)).toEqual(before);
  });

  it('of several SKUs waits its turn behind reservations the other way round', async () => {
    const skus = ['TURN-c', 'TURN-a', 'TURN-b'];
    for (const sku of skus) await app.sellable({ sku });
    await using holder = await connect(app);
    await using buyer = await connect(app, 'orders');
    const orderId = newId();
    await reserve(
      buyer,
      skus.map((sku) => line(sku, 1)),
      orderId,
    );
    await holder.query('BEGIN');
    await holder.query('SELECT sku FROM catalog.stock WHERE sku = $1 FOR UPDATE', ['TURN-b']);
    const both = Promise.all([
      release(
        orderId,
        skus.map((sku) => ({ sku, quantity: 1 })),
      ),
      reserve(
        buyer,
        skus.toReversed().map((sku) => line(sku, 1)),
      ),
    ]);
    await untilWaiting(app, 2);
    await holder.query('COMMIT');
    expect(await both).toEqual([undefined, { outcome: 'reserved' }]);
    expect(await levelOf(app, 'TURN-a')).toMatchObject({ reserved: 1 });
  });
});

describe('among 5 000 SKUs', () => {
  const skuOf = (i: number) => `PLAN-${String(i).padStart(5, '0')}`;
  const idOf = `('01939d3a-7c1e-7b1a-8f00-' || lpad(i::text, 12, '0'))::uuid`;

  beforeAll(async () => {
    const make = (insert: string) => app.sql(`INSERT INTO catalog.${insert} FROM generate_series(1, 5000) i`);
    await make(
      `products (id, title, status) SELECT ${idOf}, 'Thing', CASE WHEN i % 10 = 0 THEN 'draft' ELSE 'active' END`,
    );
    await make(
      `variants (id, product_id, sku, amount, currency, tax_rate_bps) SELECT ${idOf}, ${idOf}, 'PLAN-' || lpad(i::text, 5, '0'), 1000, 'EUR', 1900`,
    );
    await make(`stock (sku, on_hand) SELECT 'PLAN-' || lpad(i::text, 5, '0'), 100`);
    await make(
      `stock_movements (sku, on_hand_delta, reserved_delta, on_hand, reserved, kind, reason)
       SELECT 'PLAN-' || lpad(i::text, 5, '0'), 100, 0, 100, 0, 'adjustment', 'Opening stock'`,
    );
    await app.sql('ANALYZE catalog.products, catalog.variants, catalog.stock, catalog.stock_movements');
  });

  /** What the statements really did, by PostgreSQL's own count, and not what EXPLAIN says they would. */
  async function scansOf(
    work: (client: pg.Client) => Promise<unknown>,
  ): Promise<Record<string, { seq: number; read: number }>> {
    await using client = await connect(app);
    await client.query('BEGIN');
    // More than five times, so that a generic plan is tried too.
    for (let i = 0; i < 8; i++) await work(client);
    const { rows } = await client.query<{ name: string; seq: number; read: number }>(
      `SELECT relname AS name, seq_scan::integer AS seq, (seq_tup_read + idx_tup_fetch)::integer AS read
       FROM pg_stat_xact_user_tables WHERE schemaname = 'catalog' AND seq_tup_read + idx_tup_fetch > 0`,
    );
    await client.query('ROLLBACK');
    return Object.fromEntries(rows.map(({ name, ...scans }) => [name, scans]));
  }

  /** Prepared, as in production. */
  const connectionOf = (client: pg.Client): Connection => ({
    query: async (text, values) => {
      const { rows, rowCount } = await client.query({ text, ...(values && { values }), name: String(text.length) });
      return { rows: rows as never, rowCount: rowCount ?? 0 };
    },
  });

  it.each([1, 3, 20])('reserving %d lines reads those rows alone, by index', async (count) => {
    const lines = Array.from({ length: count }, (_, i) => line(skuOf(i * 200 + 1), 1));
    const scans = await scansOf((client) => reserve(client, lines, randomUUID()));
    expect(Object.keys(scans).toSorted()).toEqual(['products', 'stock', 'variants']);
    // A level is read to lock, to check and to update; planning looks at a few rows of its own.
    for (const { seq, read } of Object.values(scans))
      expect({ seq, isFew: read <= 8 * (count + 5) * 4 }).toEqual({ seq: 0, isFew: true });
  });

  it('finding what is for sale reads those rows alone, by index', async () => {
    const skus = [1, 201, 401].map(skuOf);
    const scans = await scansOf((client) => new ProductRepository().findForSale(connectionOf(client), skus));
    expect(Object.keys(scans).toSorted()).toEqual(['products', 'variants']);
    // Planning looks at a few rows of its own.
    for (const { seq, read } of Object.values(scans))
      expect({ seq, isFew: read <= 8 * 3 * 2 }).toEqual({ seq: 0, isFew: true });
  });

  it.each([true, false])('a page of products (active only: %s) reads as many as it shows', async (onlyActive) => {
    const beforeId = '01939d3a-7c1e-7b1a-8f00-000000002500';
    const scans = await scansOf((client) =>
      new ProductRepository().list(connectionOf(client), { onlyActive, q: null, beforeId, limit: 21 }),
    );
    expect(scans).toEqual({ products: { seq: 0, read: 8 * 21 } });
  });

  it('what is not remembered of a page is read by index', async () => {
    const ids = Array.from(
      { length: 20 },
      (_, i) => `01939d3a-7c1e-7b1a-8f00-${String(i * 200 + 1).padStart(12, '0')}`,
    );
    const scans = await scansOf((client) => new ProductRepository().findAll(connectionOf(client), ids));
    expect(scans).toEqual({ products: { seq: 0, read: 8 * 20 }, variants: { seq: 0, read: 8 * 20 } });
  });

  it('a page of levels, one level, and a lock read as many as they show', async () => {
    const stock = new StockRepository();
    const page = await scansOf((client) =>
      stock.list(connectionOf(client), { sku: null, afterSku: skuOf(2500), limit: 21 }),
    );
    expect(page).toEqual({ stock: { seq: 0, read: 8 * 21 } });
    const one = await scansOf((client) =>
      stock.list(connectionOf(client), { sku: skuOf(7), afterSku: null, limit: 21 }),
    );
    expect(one).toEqual({ stock: { seq: 0, read: 8 } });
    const locked = await scansOf((client) => stock.lock(connectionOf(client), [skuOf(7), skuOf(3)]));
    expect(locked).toEqual({ stock: { seq: 0, read: 8 * 2 } });
  });
});
