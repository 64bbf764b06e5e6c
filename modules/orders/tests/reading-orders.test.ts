// Who sees which orders, page by page.
import { once } from 'node:events';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { Batcher } from '../../../shared/batching/batcher.ts';
import { newId } from '../../../shared/domain/ids.ts';
import { key, startTestApp, type Person, type TestApp } from '../../../tests/support/app.ts';
import { OrderRepository } from '../order.repository.ts';

let app: TestApp;
let sku: string;
beforeAll(async () => {
  app = await startTestApp();
  sku = (await app.sellable({ onHand: 1000 })).sku;
});
afterAll(() => app.close());

async function placed(person: Person): Promise<string> {
  const { body } = await app.api
    .post('/api/v1/orders')
    .set(person.auth)
    .set(key())
    .send({ lines: [{ sku, quantity: 1 }] })
    .expect(201);
  return body.data.id as string;
}
const list = (person: Person, query = '') => app.api.get(`/api/v1/orders${query}`).set(person.auth);

test('a customer sees their own, newest first; staff see all; a stranger sees none of it', async () => {
  const [alice, bob, support] = await Promise.all([app.signIn(), app.signIn(), app.signIn({ role: 'support' })]);
  const first = await placed(alice);
  const second = await placed(alice);
  const his = await placed(bob);
  expect((await list(alice).expect(200)).body.data.map(({ id }: { id: string }) => id)).toEqual([second, first]);
  const all = (await list(support, '?limit=3').expect(200)).body.data.map(({ id }: { id: string }) => id);
  expect(all).toEqual([his, second, first]);
  expect((await app.api.get(`/api/v1/orders/${first}`).set(bob.auth).expect(404)).body.code).toBe('order_not_found');
  await app.api.get(`/api/v1/orders/${first}`).set(support.auth).expect(200);
});

const idOf = ({ body }: { body: unknown }): unknown => (body as { data?: { id: string } }).data?.id;

test('who asks while an order is read is answered by the next read, each with their own order or none', async () => {
  const [alice, bob] = await Promise.all([app.signIn(), app.signIn()]);
  const [hers, his] = [await placed(alice), await placed(bob)];
  const read = async (person: Person, id: string) => app.api.get(`/api/v1/orders/${id}`).set(person.auth);
  const arrivals = vi.spyOn(Batcher.prototype, 'add');
  const gate = new EventTarget();
  const reading = vi.spyOn(OrderRepository.prototype, 'findWhole').mockImplementationOnce(async () => {
    await once(gate, 'open');
    return [];
  });
  const first = read(alice, newId());
  await vi.waitFor(() => expect(arrivals).toHaveBeenCalledTimes(1), { timeout: 10_000 });
  const later = [read(bob, his), read(bob, hers), read(alice, hers.toUpperCase()), read(alice, newId())];
  await vi.waitFor(() => expect(arrivals).toHaveBeenCalledTimes(5), { timeout: 10_000 });
  gate.dispatchEvent(new Event('open'));
  expect((await first).status).toBe(404);
  const answers = await Promise.all(later);
  expect(answers.map(({ status }) => status)).toEqual([200, 404, 200, 404]);
  expect(answers.map(idOf)).toEqual([his, undefined, hers, undefined]);
  expect(reading.mock.calls.map(([, ids]) => ids.length)).toEqual([1, 4]);
  vi.restoreAllMocks();
});

test('a walk sees each order once while others are placed', async () => {
  const alice = await app.signIn();
  const before = [];
  for (let i = 0; i < 7; i++) before.push(await placed(alice));
  const seen: string[] = [];
  let cursor: string | null = null;
  do {
    const page: { data: { id: string; lines: unknown[] }[]; page: { nextCursor: string | null } } = (
      await list(alice, `?limit=2${cursor === null ? '' : `&cursor=${cursor}`}`).expect(200)
    ).body;
    for (const { id, lines } of page.data) {
      seen.push(id);
      expect(lines).toHaveLength(1);
    }
    cursor = page.page.nextCursor;
    await placed(alice);
  } while (cursor !== null);
  expect(seen).toEqual(before.toReversed());
});

test('the next page is linked as well, with the filters kept', async () => {
  const alice = await app.signIn();
  for (let i = 0; i < 3; i++) await placed(alice);
  const { body, headers } = await list(alice, '?limit=2&status=pending_payment').expect(200);
  expect(headers['link']).toBe(
    `</api/v1/orders?limit=2&status=pending_payment&cursor=${body.page.nextCursor}>; rel="next"`,
  );
  expect((await list(alice, '?limit=3').expect(200)).headers['link']).toBeUndefined();
});

test('filters by status and time', async () => {
  const alice = await app.signIn();
  const [kept, cancelled] = [await placed(alice), await placed(alice)];
  await app.api.post(`/api/v1/orders/${cancelled}/cancellation`).set(alice.auth).set(key()).expect(200);
  const ids = async (query: string) =>
    (await list(alice, query).expect(200)).body.data.map(({ id }: { id: string }) => id);
  expect(await ids('?status=cancelled')).toEqual([cancelled]);
  expect(await ids('?status=pending_payment')).toEqual([kept]);
  expect(await ids('?createdAfter=2020-01-01T00:00:00Z&createdBefore=2021-01-01T00:00:00Z')).toEqual([]);
  expect(await ids('?createdAfter=2020-01-01T00:00:00Z')).toEqual([cancelled, kept]);
});

test('staff look at one customer; a customer looks at nobody else', async () => {
  const [alice, bob, support] = await Promise.all([app.signIn(), app.signIn(), app.signIn({ role: 'support' })]);
  const [hers, his] = [await placed(alice), await placed(bob)];
  const ids = async (person: Person, customer: Person) =>
    (await list(person, `?customerId=${customer.userId}`).expect(200)).body.data.map(({ id }: { id: string }) => id);
  expect(await ids(support, alice)).toEqual([hers]);
  expect(await ids(support, bob)).toEqual([his]);
  expect(await ids(alice, alice)).toEqual([hers]);
  expect(await ids(alice, bob)).toEqual([]);
  expect((await list(support, '?customerId=alice').expect(400)).body.errors[0].pointer).toBe('/query/customerId');
});

test.each([
  ['a day that is none', ['2026-02-30T00:00:00.000Z', '01939d3a-7c1e-7b1a-8f00-000000000001']],
  ['the year 0', ['0000-01-01T00:00:00.000Z', '01939d3a-7c1e-7b1a-8f00-000000000001']],
  ['an id that is none', ['2026-02-20T00:00:00.000Z', 'x']],
  ['an id alone', ['01939d3a-7c1e-7b1a-8f00-000000000001']],
])('a cursor with %s is refused', async (_name, keys) => {
  const alice = await app.signIn();
  const cursor = Buffer.from(JSON.stringify(keys)).toString('base64url');
  expect((await list(alice, `?cursor=${cursor}`).expect(400)).body.code).toBe('cursor_invalid');
});

test('an order that did not change answers 304', async () => {
  const alice = await app.signIn();
  const id = await placed(alice);
  await app.api.get(`/api/v1/orders/${id}`).set(alice.auth).set('If-None-Match', '"1"').expect(304);
  await app.api.get(`/api/v1/orders/${id}`).set(alice.auth).set('If-None-Match', '"9"').expect(200);
});
