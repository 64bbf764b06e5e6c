// The trail as its readers meet it: what is in it stays as it was, is found by filters and pages, and tells no secret.
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newId } from '../../../shared/domain/ids.ts';
import { startTestApp, type Person, type TestApp } from '../../../tests/support/app.ts';
import { asModule } from '../../../tests/support/roles.ts';
import { hold, untilWaiting } from '../../../tests/support/races.ts';

type Entry = Record<'id' | 'actorId' | 'action' | 'subjectId' | 'requestId', string> & {
  before: unknown;
  after: unknown;
};

let app: TestApp;
let admin: Person;
let seller: Person;

beforeAll(async () => {
  app = await startTestApp({ config: { trustProxy: 1 } });
  admin = await app.signIn({ role: 'admin' });
  seller = await app.signIn({ role: 'catalog' });
});
afterAll(() => app.close());

async function read(query: string): Promise<{ data: Entry[]; next: string | null }> {
  const { body } = await app.api.get(`/api/v1/audit-entries?${query}`).set(admin.auth).expect(200);
  return { data: body.data as Entry[], next: (body.page as { nextCursor: string | null }).nextCursor };
}

/** Three entries of one product: made, renamed, archived. */
async function threeDeeds(requestId: string): Promise<string> {
  const headers = { ...seller.auth, 'X-Request-Id': requestId, 'X-Forwarded-For': '203.0.113.7' };
  const product = { title: 'Mug', variants: [{ sku: randomUUID(), price: { amount: 1, currency: 'EUR' } }] };
  const { body } = await app.api.post('/api/v1/products').set(headers).send(product).expect(201);
  const path = `/api/v1/products/${(body.data as { id: string }).id}`;
  await app.api.patch(path).set(headers).set('If-Match', '"1"').send({ title: 'Cup' }).expect(200);
  await app.api.delete(path).set(headers).set('If-Match', '"2"').expect(204);
  return path.split('/').at(-1) ?? '';
}

describe('the trail', () => {
  test('tells who did what to which thing, from where, and how it was before and after', async () => {
    const requestId = `story-${randomUUID()}`;
    const productId = await threeDeeds(requestId);
    const { data } = await read(`requestId=${requestId}`);
    const common = {
      actorType: 'user',
      actorId: seller.userId,
      role: 'catalog',
      subjectType: 'product',
      subjectId: productId,
      address: '203.0.113.7',
      requestId,
    };
    expect(data).toMatchObject([
      {
        ...common,
        action: 'product.archived',
        before: { status: 'active' },
        after: { status: 'archived', version: 3 },
      },
      { ...common, action: 'product.updated', before: { title: 'Mug' }, after: { title: 'Cup', version: 2 } },
      { ...common, action: 'product.created', before: null, after: { title: 'Mug', version: 1 } },
    ]);
  });

  test('is read by who, what, which and request, also together', async () => {
    const requestId = `story-${randomUUID()}`;
    const subjectId = await threeDeeds(requestId);
    const actionsOf = async (query: string) => (await read(query)).data.map(({ action }) => action);
    const all = ['product.archived', 'product.updated', 'product.created'];
    expect(await actionsOf(`subjectId=${subjectId}`)).toEqual(all);
    expect(await actionsOf(`requestId=${requestId}&actorId=${seller.userId}`)).toEqual(all);
    expect(await actionsOf(`subjectId=${subjectId}&action=product.updated`)).toEqual(['product.updated']);
    expect(await actionsOf(`subjectId=${subjectId}&actorId=${admin.userId}`)).toEqual([]);
    expect(await actionsOf(`action=nobody.did`)).toEqual([]);
  });

  test('is walked in pages, newest first, each entry once, while others are written', async () => {
    const requestId = `story-${randomUUID()}`;
    await threeDeeds(requestId);
    await threeDeeds(requestId);
    const seen: Entry[] = [];
    for (let cursor: string | null = ''; cursor !== null;) {
      const page = await read(`requestId=${requestId}&limit=4${cursor === '' ? '' : `&cursor=${cursor}`}`);
      seen.push(...page.data);
      if (cursor === '') await threeDeeds(requestId);
      cursor = page.next;
    }
    expect(seen).toHaveLength(6);
    expect(new Set(seen.map(({ id }) => id)).size).toBe(6);
    expect(seen.map(({ id }) => id)).toEqual(
      seen
        .map(({ id }) => id)
        .toSorted()
        .toReversed(),
    );
  });

  test.each([
    'actorId=1',
    'action=x',
    'action=Product.Updated',
    'subjectId=',
    'requestId=a%20b',
    'cursor=x',
    'role=admin',
  ])('is not asked %s', async (query) => {
    await app.api.get(`/api/v1/audit-entries?${query}`).set(admin.auth).expect(400);
  });
});

describe('what a person may ask to be forgotten, and what is secret', () => {
  test('is seen to have been there, and no more', async () => {
    const subjectId = newId();
    const after = {
      name: 'Ada',
      email: 'ada@example.com',
      shippingAddress: { line1: 'Main St 1' },
      token: 'tok_ok',
      note: null,
    };
    const { service } = app.modules.audit;
    const entry = { actor: null, action: 'test.done', subject: { type: 'test', id: subjectId }, after };
    await service.record(app.database, entry);
    const { data } = await read(`subjectId=${subjectId}`);
    const redacted = '[redacted]';
    expect(data[0]?.after).toEqual({
      name: redacted,
      email: redacted,
      shippingAddress: redacted,
      token: redacted,
      note: null,
    });
  });
});

describe('the trail cannot be changed', () => {
  const statements = [
    `UPDATE audit.entries SET action = 'nothing.happened'`,
    'DELETE FROM audit.entries',
    'TRUNCATE audit.entries',
    'UPDATE audit.entries SET action = action WHERE false',
  ];
  test.each(statements.flatMap((statement) => ['audit', 'waybill', 'postgres'].map((role) => [role, statement])))(
    'by %s: %s',
    async (role, statement) => {
      const isOwner = role === 'audit';
      const client = new pg.Client({
        connectionString: isOwner ? asModule(app.databaseUrlFor, role) : app.databaseUrlFor(role),
      });
      await client.connect();
      try {
        await expect(client.query(statement)).rejects.toThrow('append-only');
      } finally {
        await client.end();
      }
    },
  );

  test('nor read or written past its face by another module', async () => {
    const client = new pg.Client({ connectionString: asModule(app.databaseUrlFor, 'catalog') });
    await client.connect();
    try {
      await expect(client.query('SELECT FROM audit.entries')).rejects.toMatchObject({ code: '42501' });
      await expect(
        client.query(`INSERT INTO audit.entries (id, action, subject_type) VALUES (gen_random_uuid(), 'a.b', 'c')`),
      ).rejects.toMatchObject({ code: '42501' });
    } finally {
      await client.end();
    }
  });
});

describe('a deed and its entry', () => {
  test('are both there or both not: a refused deed leaves none', async () => {
    const { sku } = await app.sellable({ onHand: 1 });
    const requestId = `story-${randomUUID()}`;
    const send = (delta: number) =>
      app.api
        .post('/api/v1/stock/adjustments')
        .set(admin.auth)
        .set({ 'X-Request-Id': requestId, 'Idempotency-Key': randomUUID() })
        .send({ sku, delta, reason: 'Lost' });
    await send(-2).expect(422);
    expect((await read(`requestId=${requestId}`)).data).toEqual([]);
    await send(-1).expect(201);
    expect(await read(`requestId=${requestId}`)).toMatchObject({
      data: [
        { action: 'stock.adjusted', before: { sku, onHand: 1 }, after: { sku, onHand: 0, delta: -1, reason: 'Lost' } },
      ],
    });
  });

  test('a deed whose entry cannot be written does not happen', async () => {
    const { productId } = await app.sellable();
    const requestId = `story-${randomUUID()}`;
    // The entry waits until the statement is ended from outside: a failure at the last moment of the transaction.
    const trail = await hold(app, 'LOCK TABLE audit.entries IN SHARE MODE');
    const patch = app.api
      .patch(`/api/v1/products/${productId}`)
      .set(admin.auth)
      .set({ 'If-Match': '"1"', 'X-Request-Id': requestId })
      .send({ title: 'Never' })
      .then(({ status }) => status);
    await untilWaiting(app, 1);
    await app.sql(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
    );
    expect(await patch).toBe(503);
    await trail.letGo();
    const { body } = await app.api.get(`/api/v1/products/${productId}`).expect(200);
    expect(body.data).toMatchObject({ title: 'A thing', version: 1 });
    expect((await read(`requestId=${requestId}`)).data).toEqual([]);
  });

  test('retried with its key, it leaves one entry', async () => {
    const { sku } = await app.sellable();
    const headers = { ...admin.auth, 'Idempotency-Key': randomUUID(), 'X-Request-Id': `story-${randomUUID()}` };
    for (let i = 0; i < 2; i++)
      await app.api.post('/api/v1/stock/adjustments').set(headers).send({ sku, delta: 1, reason: 'Found' }).expect(201);
    expect((await read(`requestId=${headers['X-Request-Id']}`)).data).toHaveLength(1);
  });
});
