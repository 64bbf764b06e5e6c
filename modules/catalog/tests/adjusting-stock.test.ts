// Adjusting stock: the warehouse corrects a level, once per intent, and the ledger remembers each step for ever.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { key, startTestApp, type Person, type TestApp } from '../../../tests/support/app.ts';
import {
  badIntegers,
  badSkus,
  badTexts,
  connect,
  everything,
  expectFault,
  levelOf,
  line,
  movementsOf,
  newSku,
  reserve,
  untilWaiting,
  type Level,
} from './support.ts';

let app: TestApp;
let keeper: Person;

beforeAll(async () => {
  app = await startTestApp();
  keeper = await app.signIn({ role: 'warehouse' });
});
afterAll(() => app.close());

const adjust = (body: object, header: Record<string, string> = key()) =>
  app.api.post('/api/v1/stock/adjustments').set(keeper.auth).set(header).type('json').send(JSON.stringify(body));

async function levels(query: string): Promise<{ data: Level[]; next: string | null }> {
  const { body } = await app.api.get(`/api/v1/stock${query}`).set(keeper.auth).expect(200);
  return { data: body.data as Level[], next: (body.page as { nextCursor: string | null }).nextCursor };
}

describe('an adjustment', () => {
  it('changes the level and is told with what it led to', async () => {
    const { sku } = await app.sellable({ onHand: 10 });
    const answer = await adjust({ sku, delta: -3, reason: 'Broken' }).expect(201);
    expect(answer.body.data).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{14}7/) as string,
      sku,
      kind: 'adjustment',
      delta: -3,
      reservedDelta: 0,
      onHand: 7,
      reserved: 0,
      reason: 'Broken',
      orderId: null,
      createdAt: expect.any(String) as string,
    });
    expect(answer.headers).toMatchObject({ location: `/api/v1/stock?sku=${sku}` });
    expect(answer.headers).not.toHaveProperty('etag');
    expect((await levels(`?sku=${sku}`)).data).toEqual([
      { sku, onHand: 7, reserved: 0, available: 7, version: expect.any(Number) as number },
    ]);
    expect(await movementsOf(app, sku)).toMatchObject([
      { kind: 'adjustment', onHandDelta: 10 },
      {
        kind: 'adjustment',
        onHandDelta: -3,
        reservedDelta: 0,
        onHand: 7,
        reserved: 0,
        reason: 'Broken',
        orderId: null,
      },
    ]);
    expect(await app.modules.catalog.stock.ledgerDifferences()).toEqual([]);
  });

  it('happens once per key, and its retry is told the same', async () => {
    const { sku } = await app.sellable({ onHand: 10 });
    const intent = key();
    const first = await adjust({ sku, delta: 5, reason: 'Came in' }, intent).expect(201);
    const again = await adjust({ reason: 'Came in', delta: 5, sku }, intent).expect(201);
    expect(again.body).toEqual(first.body);
    expect(again.headers).toMatchObject({
      'idempotency-replayed': 'true',
      location: first.headers['location'] as string,
    });
    expect(await levelOf(app, sku)).toMatchObject({ onHand: 15, reserved: 0 });
    expect((await adjust({ sku, delta: 6, reason: 'Came in' }, intent).expect(422)).body).toMatchObject({
      code: 'idempotency_key_reused',
    });
  });

  it('may take all that is not reserved, and no more', async () => {
    const { sku } = await app.sellable({ onHand: 10 });
    await using buyer = await connect(app, 'orders');
    await reserve(buyer, [line(sku, 4)]);
    const before = await everything(app);
    const intent = key();
    for (const replayed of [undefined, 'true']) {
      const { body, headers } = await adjust({ sku, delta: -7, reason: 'Lost' }, intent).expect(422);
      expect(body).toMatchObject({
        code: 'stock_below_reserved',
        errors: [{ pointer: '/delta', code: 'stock_below_reserved' }],
      });
      expect(headers['idempotency-replayed']).toBe(replayed);
    }
    expect(await everything(app)).toEqual(before);
    await adjust({ sku, delta: -6, reason: 'Lost' }).expect(201);
    expect(await levelOf(app, sku)).toMatchObject({ onHand: 4, reserved: 4 });
  });

  it('fills up to 2 000 000 000, and no further', async () => {
    const { sku } = await app.sellable({ onHand: 10 ** 9 });
    await adjust({ sku, delta: 10 ** 9, reason: 'Came in' }).expect(201);
    const before = await everything(app);
    for (const delta of [1, 10 ** 9]) {
      const { body } = await adjust({ sku, delta, reason: 'Came in' }).expect(422);
      expect(body).toMatchObject({ code: 'stock_too_large', errors: [{ pointer: '/delta', code: 'stock_too_large' }] });
    }
    expect(await everything(app)).toEqual(before);
    await adjust({ sku, delta: -(10 ** 9), reason: 'Went out' }).expect(201);
  });

  it('needs a SKU that is there', async () => {
    const before = await everything(app);
    const { body } = await adjust({ sku: newSku(), delta: 1, reason: 'Came in' }).expect(422);
    expect(body).toMatchObject({ code: 'unknown_sku', errors: [{ pointer: '/sku', code: 'unknown_sku' }] });
    expect(await everything(app)).toEqual(before);
  });

  it('takes the last one only once, however many want it', async () => {
    const { sku } = await app.sellable({ onHand: 1 });
    await using holder = await connect(app);
    await holder.query('BEGIN');
    await holder.query('SELECT sku FROM catalog.stock WHERE sku = $1 FOR UPDATE', [sku]);
    const both = Promise.all([1, 2].map(() => adjust({ sku, delta: -1, reason: 'Lost' }).then(({ status }) => status)));
    await untilWaiting(app, 2);
    await holder.query('COMMIT');
    expect(new Set(await both)).toEqual(new Set([201, 422]));
    expect(await levelOf(app, sku)).toMatchObject({ onHand: 0, reserved: 0 });
  });
});

describe('an adjustment that does not fit', () => {
  const fitting = { sku: 'UNUSED-1', delta: 1, reason: 'Came in' };
  const without = (field: string) => Object.fromEntries(Object.entries(fitting).filter(([name]) => name !== field));
  const cases: [string, string, unknown][] = [
    ['', 'a list', []],
    ['/sku', 'missing', without('sku')],
    ...badSkus.map(([name, sku]): [string, string, unknown] => ['/sku', name, { ...fitting, sku }]),
    ['/delta', 'missing', without('delta')],
    ...badIntegers.map(([name, delta]): [string, string, unknown] => ['/delta', name, { ...fitting, delta }]),
    ['/delta', '0', { ...fitting, delta: 0 }],
    ['/delta', 'more than 10^9', { ...fitting, delta: 10 ** 9 + 1 }],
    ['/delta', 'less than −10^9', { ...fitting, delta: -(10 ** 9) - 1 }],
    ['/reason', 'missing', without('reason')],
    ...badTexts.map(([name, reason]): [string, string, unknown] => ['/reason', name, { ...fitting, reason }]),
    ['/reason', '201 characters', { ...fitting, reason: 'x'.repeat(201) }],
    ['/onHand', 'an extra field', { ...fitting, onHand: 5 }],
  ];

  it.each(cases)('is refused at %s: %s', async (pointer, _name, body) => {
    const before = await everything(app);
    expectFault((await adjust(body as object).expect(400)).body, pointer);
    expect(await everything(app)).toEqual(before);
  });

  it.each([
    ['no key', {}, 'idempotency_key_required'],
    ['a key with a blank', key('a b'), 'idempotency_key_invalid'],
    ['a key of 256 characters', key('k'.repeat(256)), 'idempotency_key_invalid'],
  ])('is refused with %s', async (_name, header, code) => {
    const { sku } = await app.sellable();
    expect((await adjust({ sku, delta: 1, reason: 'Came in' }, header).expect(400)).body).toMatchObject({ code });
    expect(await levelOf(app, sku)).toMatchObject({ onHand: 100 });
  });
});

describe('the levels', () => {
  it('are walked in SKU order, each once, letter by letter', async () => {
    const skus = ['walk-a', 'Walk-B', 'WALK-C', 'walk.D', 'walk_e'];
    for (const sku of skus) await app.sellable({ sku });
    const seen: string[] = [];
    for (let cursor = ''; ;) {
      const { data, next } = await levels(`?limit=2${cursor}`);
      seen.push(...data.map(({ sku }) => sku));
      if (next === null) break;
      cursor = `&cursor=${next}`;
    }
    expect(seen.filter((sku) => /^walk/i.test(sku))).toEqual(['WALK-C', 'Walk-B', 'walk-a', 'walk.D', 'walk_e']);
    expect(new Set(seen).size).toBe(seen.length);
  });

  it('of one SKU are one, or none', async () => {
    const { sku } = await app.sellable();
    expect((await levels(`?sku=${sku}`)).data).toHaveLength(1);
    expect(await levels('?sku=NOT-THERE')).toEqual({ data: [], next: null });
  });

  it.each([
    ['/query/sku', 'sku=MUG%20BLUE'],
    ['/query/sku', 'sku='],
    ['/query/sku', 'sku=a%00b'],
    ['/query/sku', 'sku=A&sku=B'],
    ['/query/limit', 'limit=0'],
    ['/query/limit', 'limit=101'],
    ['/query/product', 'product=7'],
  ])('refuse %s in ?%s', async (pointer, query) => {
    const { body } = await app.api.get(`/api/v1/stock?${query}`).set(keeper.auth).expect(400);
    expectFault(body, pointer);
  });

  it.each(['garbage', Buffer.from('[7]').toString('base64url'), Buffer.from('["A","B"]').toString('base64url')])(
    'refuse the cursor %s',
    async (cursor) => {
      const { body } = await app.api.get(`/api/v1/stock?cursor=${cursor}`).set(keeper.auth).expect(400);
      expect(body).toMatchObject({ code: 'cursor_invalid' });
    },
  );
});

describe('who may', () => {
  it.each([
    ['customer', 403, 403],
    ['support', 403, 403],
    ['catalog', 200, 403],
    ['finance', 403, 403],
    ['warehouse', 200, 201],
    ['admin', 200, 201],
  ])('%s: see %d, adjust %d', async (role, see, change) => {
    const { sku } = await app.sellable();
    const { auth } = await app.signIn({ role });
    await app.api.get('/api/v1/stock').set(auth).expect(see);
    await app.api
      .post('/api/v1/stock/adjustments')
      .set(auth)
      .set(key())
      .send({ sku, delta: 1, reason: 'Came in' })
      .expect(change);
    expect(await levelOf(app, sku)).toMatchObject({ onHand: change === 201 ? 101 : 100 });
  });

  it('nobody without a token', async () => {
    await app.api.get('/api/v1/stock').expect(401);
    await app.api
      .post('/api/v1/stock/adjustments')
      .set(key())
      .send({ sku: 'A', delta: 1, reason: 'Came in' })
      .expect(401);
  });
});

describe('the ledger', () => {
  it.each([
    'UPDATE catalog.stock_movements SET reason = reason',
    'DELETE FROM catalog.stock_movements',
    'DELETE FROM catalog.stock_movements WHERE false',
    'TRUNCATE catalog.stock_movements',
  ])('refuses, even to the superuser: %s', async (statement) => {
    await app.sellable();
    const before = await everything(app);
    await expect(app.sql(statement)).rejects.toThrow('the stock ledger is append-only');
    expect(await everything(app)).toEqual(before);
  });

  it('shows a level that was changed behind its back, and one that is gone', async () => {
    const [changed, gone] = [await app.sellable({ onHand: 10 }), await app.sellable({ onHand: 10 })];
    await app.sql('UPDATE catalog.stock SET on_hand = 12, reserved = 1 WHERE sku = $1', [changed.sku]);
    await app.sql('DELETE FROM catalog.stock WHERE sku = $1', [gone.sku]);
    expect(await app.modules.catalog.stock.ledgerDifferences()).toEqual([changed.sku, gone.sku].toSorted());
    await app.sql('UPDATE catalog.stock SET on_hand = 10, reserved = 0 WHERE sku = $1', [changed.sku]);
    await app.sql('INSERT INTO catalog.stock (sku, on_hand) VALUES ($1, 10)', [gone.sku]);
  });

  it('sums to the levels after all of this', async () => {
    expect(await app.modules.catalog.stock.ledgerDifferences()).toEqual([]);
    const wrong = await app.sql(
      `SELECT sku FROM (
         SELECT sku, on_hand, reserved, sum(on_hand_delta) OVER w AS on_hand_sum, sum(reserved_delta) OVER w AS reserved_sum
         FROM catalog.stock_movements WINDOW w AS (PARTITION BY sku ORDER BY seq)) m
       WHERE (on_hand, reserved) <> (on_hand_sum, reserved_sum)`,
    );
    expect(wrong).toEqual([]);
  });
});
