// Changing a product: only what is named changes, nobody overwrites unseen, and no order is placed at an old price.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newId } from '../../../shared/domain/ids.ts';
import { key, startTestApp, type Person, type TestApp } from '../../../tests/support/app.ts';
import {
  badIntegers,
  badPrices,
  badSkus,
  badTexts,
  connect,
  euros,
  everything,
  expectFault,
  ifMatch,
  levelOf,
  line,
  newSku,
  reserve,
  untilWaiting,
  type ProductAnswer,
} from './support.ts';

let app: TestApp;
let seller: Person;

beforeAll(async () => {
  app = await startTestApp();
  seller = await app.signIn({ role: 'catalog' });
});
afterAll(() => app.close());

const address = (id: string) => `/api/v1/products/${id}`;
const patch = (id: string, version: number, body: object) =>
  app.api.patch(address(id)).set(seller.auth).set(ifMatch(version)).send(body);

async function mug(): Promise<ProductAnswer & { sku: string }> {
  const sku = newSku();
  const variants = [{ sku, title: 'Blue', price: euros(1299), taxRateBps: 1900, onHand: 7 }];
  const { body } = await app.api
    .post('/api/v1/products')
    .set(seller.auth)
    .send({ title: 'Mug', description: 'Holds tea.', variants })
    .expect(201);
  return { ...(body.data as ProductAnswer), sku };
}

describe('a change', () => {
  it('of one price leaves all else as it was', async () => {
    const before = await mug();
    const answer = await patch(before.id, 1, { variants: [{ sku: before.sku, price: euros(1399) }] }).expect(200);
    const after = answer.body.data as ProductAnswer;
    const { sku: _sku, ...rest } = before;
    expect(after).toEqual({
      ...rest,
      variants: before.variants.map((variant) => ({ ...variant, price: euros(1399) })),
      updatedAt: expect.not.stringMatching(before.updatedAt) as string,
      version: 2,
    });
    expect(answer.headers).toMatchObject({ etag: '"2"', 'cache-control': 'no-store' });
    expect(await levelOf(app, before.sku)).toMatchObject({ onHand: 7, reserved: 0 });
    const { body } = await app.api.get(address(before.id)).expect(200);
    expect(body.data).toEqual(after);
  });

  it('names title, description and status', async () => {
    const { id } = await mug();
    const { body } = await patch(id, 1, { title: 'Cup', description: null, status: 'draft' }).expect(200);
    expect(body.data).toMatchObject({ title: 'Cup', description: null, status: 'draft', version: 2 });
    await app.api.get(address(id)).expect(404);
  });

  it('adds variants at the end, which begin without stock', async () => {
    const { id, sku } = await mug();
    const [red, green] = [newSku(), newSku()];
    const variants = [
      { sku: red, price: euros(5) },
      { sku, title: null, price: euros(1299), taxRateBps: 0 },
      { sku: green, title: 'Green', price: euros(6), taxRateBps: 700 },
    ];
    const { body } = await patch(id, 1, { variants }).expect(200);
    expect((body.data as ProductAnswer).variants).toMatchObject([
      { sku, title: null, price: euros(1299), taxRateBps: 0 },
      { sku: red, title: null, price: euros(5), taxRateBps: 0 },
      { sku: green, title: 'Green', price: euros(6), taxRateBps: 700 },
    ]);
    expect(await levelOf(app, red)).toEqual({ onHand: 0, reserved: 0, version: 1 });
    expect(await app.modules.catalog.stock.ledgerDifferences()).toEqual([]);
  });
});

it('is told at once to whoever reads, however they spell the id', async () => {
  const { id } = await mug();
  for (const spelling of [id, id.toUpperCase()])
    expect((await app.api.get(address(spelling)).expect(200)).body.data.title).toBe('Mug');
  await patch(id, 1, { title: 'Cup' }).expect(200);
  for (const spelling of [id, id.toUpperCase()])
    expect((await app.api.get(address(spelling)).expect(200)).body.data.title).toBe('Cup');
});

describe('a refused change changes nothing', () => {
  it('when somebody else was faster', async () => {
    const { id } = await mug();
    await patch(id, 1, { title: 'Cup' }).expect(200);
    const before = await everything(app);
    for (const version of [0, 1, 3, 999_999_999]) {
      const { body } = await patch(id, version, { title: 'Bowl' }).expect(412);
      expect(body).toMatchObject({ code: 'version_stale' });
    }
    expect(await everything(app)).toEqual(before);
  });

  it('when both come at once: one is told', async () => {
    const { id } = await mug();
    await using holder = await connect(app);
    await holder.query('BEGIN');
    await holder.query('SELECT id FROM catalog.products WHERE id = $1 FOR UPDATE', [id]);
    const both = Promise.all(['Cup', 'Bowl'].map((title) => patch(id, 1, { title }).then(({ status }) => status)));
    await untilWaiting(app, 2);
    await holder.query('COMMIT');
    expect(new Set(await both)).toEqual(new Set([200, 412]));
    const { body } = await app.api.get(address(id)).expect(200);
    expect(body.data).toMatchObject({ version: 2 });
  });

  it.each([
    ['absent', undefined, 428, 'if_match_required'],
    ['weak', 'W/"1"', 400, 'if_match_invalid'],
    ['bare', '1', 400, 'if_match_invalid'],
    ['a star', '*', 400, 'if_match_invalid'],
    ['a list', '"1", "2"', 400, 'if_match_invalid'],
  ])('when If-Match is %s', async (_name, header, status, code) => {
    const { id } = await mug();
    const request = app.api.patch(address(id)).set(seller.auth).send({ title: 'Cup' });
    if (header !== undefined) request.set('If-Match', header);
    expect((await request.expect(status)).body).toMatchObject({ code });
  });

  it('when a SKU is another product’s', async () => {
    const [{ id }, other] = [await mug(), await mug()];
    const before = await everything(app);
    const variants = [
      { sku: newSku(), price: euros(1) },
      { sku: other.sku, price: euros(1) },
    ];
    const { body } = await patch(id, 1, { title: 'Cup', variants }).expect(409);
    expect(body).toMatchObject({ code: 'sku_taken', errors: [{ pointer: '/variants/1/sku', code: 'sku_taken' }] });
    expect(await everything(app)).toEqual(before);
  });

  it('when a SKU stands there twice', async () => {
    const { id, sku } = await mug();
    const before = await everything(app);
    const { body } = await patch(id, 1, {
      variants: [
        { sku, price: euros(1) },
        { sku, price: euros(2) },
      ],
    }).expect(400);
    expectFault(body, '/variants/1/sku', 'duplicate_sku');
    expect(await everything(app)).toEqual(before);
  });

  it('when the product is not there', async () => {
    const { body } = await patch(newId(), 1, { title: 'Cup' }).expect(404);
    expect(body).toMatchObject({ code: 'product_not_found' });
    expectFault((await patch('MUG', 1, { title: 'Cup' }).expect(400)).body, '/path/id');
  });

  it('when the caller is not of the catalogue', async () => {
    const { id } = await mug();
    const before = await everything(app);
    await app.api.patch(address(id)).set(ifMatch(1)).send({ title: 'Cup' }).expect(401);
    for (const role of ['customer', 'support', 'warehouse', 'finance']) {
      const { auth } = await app.signIn({ role });
      await app.api.patch(address(id)).set(auth).set(ifMatch(1)).send({ title: 'Cup' }).expect(403);
    }
    expect(await everything(app)).toEqual(before);
  });

  const withVariant = (change: object) => ({ variants: [{ sku: 'UNUSED-1', price: euros(1), ...change }] });
  const cases: [string, string, unknown][] = [
    ['', 'nothing', {}],
    ['', 'a list', []],
    ...badTexts.map(([name, title]): [string, string, unknown] => ['/title', name, { title }]),
    ['/title', '201 characters', { title: 'x'.repeat(201) }],
    ...badTexts
      .filter(([name]) => name !== 'null')
      .map(([name, description]): [string, string, unknown] => ['/description', name, { description }]),
    ['/description', '5001 characters', { description: 'x'.repeat(5001) }],
    ['/status', 'unknown', { status: 'sold' }],
    ['/status', 'null', { status: null }],
    ['/version', 'an extra field', { title: 'Cup', version: 1 }],
    ['/variants', 'null', { variants: null }],
    ['/variants', 'empty', { variants: [] }],
    [
      '/variants',
      '101 of them',
      { variants: Array.from({ length: 101 }, (_, i) => ({ sku: `UNUSED-${i}`, price: euros(1) })) },
    ],
    ['/variants/0/sku', 'missing', { variants: [{ price: euros(1) }] }],
    ['/variants/0/price', 'missing', { variants: [{ sku: 'UNUSED-1' }] }],
    ...badSkus.map(([name, sku]): [string, string, unknown] => ['/variants/0/sku', name, withVariant({ sku })]),
    ...badTexts
      .filter(([name]) => name !== 'null')
      .map(([name, title]): [string, string, unknown] => ['/variants/0/title', name, withVariant({ title })]),
    ...badPrices.map(([field, name, price]): [string, string, unknown] => [
      `/variants/0/price${field}`,
      name,
      withVariant({ price }),
    ]),
    ...badIntegers.map(([name, taxRateBps]): [string, string, unknown] => [
      '/variants/0/taxRateBps',
      name,
      withVariant({ taxRateBps }),
    ]),
    ['/variants/0/taxRateBps', 'more than 100 %', withVariant({ taxRateBps: 10_001 })],
    ['/variants/0/onHand', 'stock', withVariant({ onHand: 1 })],
    ['/variants/0/id', 'an id', withVariant({ id: newId() })],
  ];

  it.each(cases)('when %s is %s', async (pointer, _name, body) => {
    const { id } = await mug();
    const before = await everything(app);
    const answer = await app.api
      .patch(address(id))
      .set(seller.auth)
      .set(ifMatch(1))
      .type('json')
      .send(JSON.stringify(body))
      .expect(400);
    expectFault(answer.body, pointer);
    expect(await everything(app)).toEqual(before);
  });
});

describe('a price and a reservation', () => {
  it('a reservation that waited while the price changed is told so', async () => {
    const { sku } = await app.sellable();
    await using seller2 = await connect(app);
    await using buyer = await connect(app, 'orders');
    await seller2.query('BEGIN');
    await seller2.query('SELECT sku FROM catalog.stock WHERE sku = $1 FOR UPDATE', [sku]);
    await seller2.query('UPDATE catalog.variants SET amount = 1001 WHERE sku = $1', [sku]);
    const fate = reserve(buyer, [line(sku, 1)]);
    await untilWaiting(app, 1);
    await seller2.query('COMMIT');
    expect(await fate).toEqual({ outcome: 'changed' });
    expect(await levelOf(app, sku)).toMatchObject({ onHand: 100, reserved: 0 });
  });

  it.each([
    ['price', { variants: [{ price: euros(1001) }] }],
    ['status', { status: 'draft' }],
  ])('a change of %s is answered after the reservations that came before it', async (_name, change) => {
    const { productId, sku } = await app.sellable();
    await using buyer = await connect(app, 'orders');
    await buyer.query('BEGIN');
    expect(await reserve(buyer, [line(sku, 1)])).toEqual({ outcome: 'reserved' });
    const body = 'variants' in change ? { variants: change.variants.map((variant) => ({ sku, ...variant })) } : change;
    const answer = patch(productId, 1, body)
      .expect(200)
      .then(({ status }) => status);
    await untilWaiting(app, 1);
    await buyer.query('COMMIT');
    expect(await answer).toBe(200);
    expect(await reserve(buyer, [line(sku, 1)])).toEqual({ outcome: 'changed' });
    expect(await levelOf(app, sku)).toMatchObject({ reserved: 1 });
  });
});

describe('a price that changes while the cart is open', () => {
  /** Both stand at the stock's row: the seller first, then the order, which was quoted at the old price. */
  async function race(order: object): Promise<{ sku: string; status: number; body: unknown }> {
    const { productId, sku } = await app.sellable({ amount: 1000, taxRateBps: 0 });
    const customer = await app.signIn();
    await using holder = await connect(app);
    await holder.query('BEGIN');
    await holder.query('SELECT sku FROM catalog.stock WHERE sku = $1 FOR UPDATE', [sku]);
    const change = patch(productId, 1, { variants: [{ sku, price: euros(1100) }] }).then(({ status }) => status);
    await untilWaiting(app, 1);
    const placing = app.api
      .post('/api/v1/orders')
      .set(customer.auth)
      .set(key())
      .send({ lines: [{ sku, quantity: 2 }], ...order })
      .then(({ status, body }) => ({ status, body: body as unknown }));
    await untilWaiting(app, 2);
    await holder.query('COMMIT');
    expect(await change).toBe(200);
    return { sku, ...(await placing) };
  }

  it('is told to the customer, who expected the old total, and nothing is reserved', async () => {
    const { sku, status, body } = await race({ expectedTotal: euros(2000) });
    expect(status).toBe(409);
    expect(body).toMatchObject({ code: 'price_changed', total: euros(2200) });
    expect(await levelOf(app, sku)).toMatchObject({ reserved: 0 });
  });

  it('is what an order costs that expected no total', async () => {
    const { sku, status, body } = await race({});
    expect(status).toBe(201);
    expect(body).toMatchObject({ data: { total: euros(2200), lines: [{ unitPrice: euros(1100) }] } });
    expect(await levelOf(app, sku)).toMatchObject({ reserved: 2 });
  });
});
