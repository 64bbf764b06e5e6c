// Selling a product: staff add it, everyone finds it, orders are told what it costs.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newId } from '../../../shared/domain/ids.ts';
import { startTestApp, type Person, type TestApp } from '../../../tests/support/app.ts';
import {
  badIntegers,
  badPrices,
  badSkus,
  badTexts,
  connect,
  euros,
  everything,
  expectFault,
  levelOf,
  movementsOf,
  newSku,
  untilWaiting,
  type ProductAnswer,
} from './support.ts';

let app: TestApp;
let seller: Person;
let customer: Person;

beforeAll(async () => {
  app = await startTestApp();
  seller = await app.signIn({ role: 'catalog' });
  customer = await app.signIn();
});
afterAll(() => app.close());

const path = '/api/v1/products';
const mug = (sku = newSku()) => ({ title: 'Mug', variants: [{ sku, price: euros(1299) }] });

async function register(product: object): Promise<ProductAnswer> {
  const { body } = await app.api.post(path).set(seller.auth).send(product).expect(201);
  return body.data as ProductAnswer;
}

describe('a new product', () => {
  it('is told back whole, with its address, version and opening stock', async () => {
    const [blue, red] = [newSku(), newSku()];
    const answer = await app.api
      .post(path)
      .set(seller.auth)
      .send({
        title: ' Mug ',
        description: 'Holds tea.',
        variants: [
          { sku: red, title: 'Red', price: euros(1399), taxRateBps: 1900, onHand: 20 },
          { sku: blue, price: { amount: 10 ** 10, currency: 'JPY' } },
        ],
      })
      .expect(201);
    const product = answer.body.data as ProductAnswer;
    expect(answer.headers).toMatchObject({
      location: `${path}/${product.id}`,
      etag: '"1"',
      'cache-control': 'no-store',
    });
    expect(product).toMatchObject({ title: 'Mug', description: 'Holds tea.', status: 'active', version: 1 });
    expect(product.variants).toEqual([
      { id: expect.any(String) as string, sku: red, title: 'Red', price: euros(1399), taxRateBps: 1900 },
      {
        id: expect.any(String) as string,
        sku: blue,
        title: null,
        price: { amount: 10 ** 10, currency: 'JPY' },
        taxRateBps: 0,
      },
    ]);
    expect(await levelOf(app, red)).toMatchObject({ onHand: 20, reserved: 0 });
    expect(await levelOf(app, blue)).toEqual({ onHand: 0, reserved: 0, version: 1 });
    expect(await movementsOf(app, red)).toMatchObject([
      { kind: 'adjustment', onHandDelta: 20, onHand: 20, reserved: 0 },
    ]);
    expect(await movementsOf(app, blue)).toEqual([]);
    expect(await app.modules.catalog.stock.ledgerDifferences()).toEqual([]);
  });

  it('is found by everyone, may be kept for 30 s, and answers 304 to who has it', async () => {
    const product = await register(mug());
    const answer = await app.api.get(`${path}/${product.id}`).expect(200);
    expect(answer.body.data).toEqual(product);
    expect(answer.headers).toMatchObject({
      etag: '"1"',
      'cache-control': 'public, max-age=30',
      vary: 'Origin, Authorization',
    });
    await app.api.get(`${path}/${product.id}`).set('If-None-Match', '"1"').expect(304);
    await app.api.get(`${path}/${product.id}`).set('If-None-Match', '"2"').expect(200);
  });

  it('is not kept by caches for those who are signed in', async () => {
    const { id } = await register(mug());
    for (const address of [path, `${path}/${id}`]) {
      const { headers } = await app.api.get(address).set(customer.auth).expect(200);
      expect(headers['cache-control']).toBe('no-store');
    }
  });

  it('shows no stock', async () => {
    const { id } = await register({ ...mug(), variants: [{ sku: newSku(), price: euros(1), onHand: 987_654 }] });
    const { text } = await app.api.get(`${path}/${id}`).expect(200);
    expect(text).not.toContain('987654');
  });

  it('has up to 100 variants', async () => {
    const variants = Array.from({ length: 100 }, () => ({ sku: randomUUID(), price: euros(1) }));
    const product = await register({ title: 'Screws', variants });
    expect(product.variants.map(({ sku }) => sku)).toEqual(variants.map(({ sku }) => sku));
  });
});

describe('a draft', () => {
  it('is there for staff only', async () => {
    const { id } = await register({ ...mug(), status: 'draft' });
    const found = async (auth: Record<string, string>) => {
      const { status, body } = await app.api.get(`${path}/${id}`).set(auth);
      const list = await app.api.get(`${path}?limit=1`).set(auth).expect(200);
      const isListed = (list.body.data as ProductAnswer[])[0]?.id === id;
      return { status, code: (body as { code?: string }).code, isListed };
    };
    expect(await found({})).toEqual({ status: 404, code: 'product_not_found', isListed: false });
    expect(await found(customer.auth)).toEqual({ status: 404, code: 'product_not_found', isListed: false });
    expect(await found(seller.auth)).toEqual({ status: 200, code: undefined, isListed: true });
    const support = await app.signIn({ role: 'support' });
    expect(await found(support.auth)).toEqual({ status: 200, code: undefined, isListed: true });
  });
});

describe('the list', () => {
  it('is walked newest first, each product once, while others are added', async () => {
    const made: string[] = [];
    for (let i = 0; i < 5; i++) made.unshift((await register(mug())).id);
    const seen: string[] = [];
    let next = `${path}?limit=2`;
    while (seen.length < made.length) {
      const { body } = await app.api.get(next).expect(200);
      seen.push(...(body.data as ProductAnswer[]).map(({ id }) => id));
      await register(mug());
      next = `${path}?limit=2&cursor=${(body.page as { nextCursor: string }).nextCursor}`;
    }
    expect(seen.slice(0, 5)).toEqual(made);
    expect(new Set(seen).size).toBe(seen.length);
  });

  it('ends without a cursor', async () => {
    const { body } = await app.api.get(`${path}?limit=100`).set(seller.auth).expect(200);
    const { body: again } = await app.api
      .get(`${path}?limit=${(body.data as unknown[]).length}`)
      .set(seller.auth)
      .expect(200);
    expect(again.page).toEqual({ nextCursor: null });
  });

  it.each([
    ['/query/limit', 'limit=0'],
    ['/query/limit', 'limit=101'],
    ['/query/limit', 'limit=1.5'],
    ['/query/limit', 'limit=ten'],
    ['/query/limit', 'limit=1&limit=2'],
    ['/query/limit', 'limit='],
    ['/query/cursor', 'cursor='],
    ['/query/cursor', `cursor=${'A'.repeat(513)}`],
    ['/query/q', 'q='],
    ['/query/q', 'q=%20'],
    ['/query/q', 'q=a%00b'],
    ['/query/q', `q=${'x'.repeat(201)}`],
    ['/query/q', 'q=a&q=b'],
    ['/query/sku', 'sku=MUG'],
    ['/query/status', 'status=draft'],
  ])('refuses %s in ?%s', async (pointer, query) => {
    const { body } = await app.api.get(`${path}?${query}`).expect(400);
    expectFault(body, pointer);
  });

  it.each([
    ['garbage', 'garbage'],
    ['a number', Buffer.from('[7]').toString('base64url')],
    ['no id', Buffer.from('["x"]').toString('base64url')],
    ['two keys', Buffer.from(`["${newId()}","${newId()}"]`).toString('base64url')],
  ])('refuses a cursor that is %s', async (_name, cursor) => {
    const { body } = await app.api.get(`${path}?cursor=${cursor}`).expect(400);
    expect(body).toMatchObject({ code: 'cursor_invalid', errors: [{ pointer: '/query/cursor' }] });
  });
});

describe('a product that is not there', () => {
  it('is 404', async () => {
    const { body } = await app.api.get(`${path}/${newId()}`).expect(404);
    expect(body).toMatchObject({ code: 'product_not_found' });
  });

  it.each(['7', 'MUG', randomUUID(), `${newId()}0`, '%00'])('is 400 when %s is no id', async (id) => {
    const { body } = await app.api.get(`${path}/${id}`).expect(400);
    expectFault(body, '/path/id');
  });
});

describe('a SKU', () => {
  it('belongs to one product: each taken one is pointed at, and nothing is stored', async () => {
    const [first, second] = [newSku(), newSku()];
    await register(mug(first));
    await register(mug(second));
    const before = await everything(app);
    const variants = [second, newSku(), first].map((sku) => ({ sku, price: euros(1), onHand: 5 }));
    const { body } = await app.api.post(path).set(seller.auth).send({ title: 'Copy', variants }).expect(409);
    expect(body).toMatchObject({
      code: 'sku_taken',
      errors: [
        { pointer: '/variants/0/sku', code: 'sku_taken' },
        { pointer: '/variants/2/sku', code: 'sku_taken' },
      ],
    });
    expect(await everything(app)).toEqual(before);
  });

  it('goes to the one who commits first', async () => {
    const sku = newSku();
    const other = await register(mug());
    await using holder = await connect(app);
    await holder.query('BEGIN');
    await holder.query(
      `INSERT INTO catalog.variants (id, product_id, sku, amount, currency, tax_rate_bps) VALUES ($1, $2, $3, 1, 'EUR', 0)`,
      [newId(), other.id, sku],
    );
    const late = app.api
      .post(path)
      .set(seller.auth)
      .send(mug(sku))
      .expect(409)
      .then(({ body }) => body as object);
    await untilWaiting(app, 1);
    await holder.query('COMMIT');
    expect(await late).toMatchObject({ code: 'sku_taken' });
    await app.sql('DELETE FROM catalog.variants WHERE sku = $1', [sku]);
  });

  it('stands in a request only once', async () => {
    const [sku, other] = [newSku(), newSku()];
    const variants = [sku, other, sku].map((one) => ({ sku: one, price: euros(1) }));
    const { body } = await app.api.post(path).set(seller.auth).send({ title: 'Twice', variants }).expect(400);
    expectFault(body, '/variants/2/sku', 'duplicate_sku');
    expect((body as { errors: unknown[] }).errors).toHaveLength(1);
  });
});

describe('who may add a product', () => {
  it('is the catalogue’s staff', async () => {
    const before = await everything(app);
    await app.api.post(path).send(mug()).expect(401);
    for (const role of ['customer', 'support', 'warehouse', 'finance']) {
      const { auth } = await app.signIn({ role });
      const { body } = await app.api.post(path).set(auth).send(mug()).expect(403);
      expect(body).toMatchObject({ code: 'permission_denied' });
    }
    expect(await everything(app)).toEqual(before);
  });
});

describe('a product that does not fit', () => {
  const variant = { sku: 'UNUSED-1', price: euros(1) };
  const withVariant = (change: object) => ({ title: 'Mug', variants: [{ ...variant, ...change }] });
  const without = (field: string) =>
    Object.fromEntries(Object.entries(withVariant({})).filter(([name]) => name !== field));

  const cases: [string, string, unknown][] = [
    ['', 'a list', []],
    ['', 'a text', 'mug'],
    ['/title', 'missing', without('title')],
    ...badTexts.map(([name, title]): [string, string, unknown] => ['/title', name, { ...withVariant({}), title }]),
    ['/title', '201 characters', { ...withVariant({}), title: 'x'.repeat(201) }],
    ...badTexts
      .filter(([name]) => name !== 'null')
      .map(([name, description]): [string, string, unknown] => [
        '/description',
        name,
        { ...withVariant({}), description },
      ]),
    ['/description', '5001 characters', { ...withVariant({}), description: 'x'.repeat(5001) }],
    ['/status', 'unknown', { ...withVariant({}), status: 'sold' }],
    ['/status', 'null', { ...withVariant({}), status: null }],
    ['/stock', 'an extra field', { ...withVariant({}), stock: 1 }],
    [
      '/__proto__',
      'a field that should be none',
      '{"title":"Mug","__proto__":{"x":1},"variants":[{"sku":"UNUSED-1","price":{"amount":1,"currency":"EUR"}}]}',
    ],
    ['/variants', 'missing', without('variants')],
    ['/variants', 'empty', { title: 'Mug', variants: [] }],
    ['/variants', 'no list', { title: 'Mug', variants: {} }],
    [
      '/variants',
      '101 of them',
      { title: 'Mug', variants: Array.from({ length: 101 }, (_, i) => ({ ...variant, sku: `UNUSED-${i}` })) },
    ],
    ['/variants/0', 'null', { title: 'Mug', variants: [null] }],
    ['/variants/0/sku', 'missing', { title: 'Mug', variants: [{ price: euros(1) }] }],
    ...badSkus.map(([name, sku]): [string, string, unknown] => ['/variants/0/sku', name, withVariant({ sku })]),
    ...badTexts
      .filter(([name]) => name !== 'null')
      .map(([name, title]): [string, string, unknown] => ['/variants/0/title', name, withVariant({ title })]),
    ['/variants/0/title', '201 characters', withVariant({ title: 'x'.repeat(201) })],
    ['/variants/0/price', 'missing', { title: 'Mug', variants: [{ sku: 'UNUSED-1' }] }],
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
    ['/variants/0/taxRateBps', 'negative', withVariant({ taxRateBps: -1 })],
    ['/variants/0/taxRateBps', 'more than 100 %', withVariant({ taxRateBps: 10_001 })],
    ...badIntegers.map(([name, onHand]): [string, string, unknown] => [
      '/variants/0/onHand',
      name,
      withVariant({ onHand }),
    ]),
    ['/variants/0/onHand', 'negative', withVariant({ onHand: -1 })],
    ['/variants/0/onHand', 'more than 10^9', withVariant({ onHand: 10 ** 9 + 1 })],
    ['/variants/0/reserved', 'an extra field', withVariant({ reserved: 1 })],
  ];

  it.each(cases)('is refused at %s: %s', async (pointer, _name, product) => {
    const before = await everything(app);
    const request = app.api.post(path).set(seller.auth).type('json');
    const { body } = await request
      .send(typeof product === 'string' && product.startsWith('{') ? product : JSON.stringify(product))
      .expect(400);
    if ((body as { code: string }).code !== 'malformed_json') expectFault(body, pointer);
    expect(await everything(app)).toEqual(before);
  });
});

describe('what orders are told', () => {
  it('is title, price and status of each known SKU, on sale or not', async () => {
    const [plain, blue, draft] = [newSku(), newSku(), newSku()];
    const variants = [
      { sku: plain, price: euros(10 ** 10), taxRateBps: 1900 },
      { sku: blue, title: 'Blue', price: euros(0) },
    ];
    await register({ title: 'Mug', variants });
    await register({ ...mug(draft), status: 'draft' });
    const items = await app.modules.catalog.service.findForSale([blue, 'UNKNOWN', plain, draft]);
    expect(items.toSorted((one, other) => one.price.amount - other.price.amount)).toEqual([
      { sku: blue, title: 'Mug – Blue', price: euros(0), taxRateBps: 0, status: 'active' },
      { sku: draft, title: 'Mug', price: euros(1299), taxRateBps: 0, status: 'draft' },
      { sku: plain, title: 'Mug', price: euros(10 ** 10), taxRateBps: 1900, status: 'active' },
    ]);
    expect(await app.modules.catalog.service.findForSale([])).toEqual([]);
  });
});
