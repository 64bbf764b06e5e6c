// One request id is followed: from the caller's header through the log, the SQL, the order's history and the outbox to whoever hears of it.
import { readFileSync } from 'node:fs';
import pg from 'pg';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { key, startTestApp, type Person, type TestApp } from './support/app.ts';
import { readableLog, until } from './support/room-database.ts';

type Line = { msg: string; requestId?: string; traceId?: string; module?: string; level: string };

const log = readableLog();
const lines = log.lines as Line[];
const statements: string[] = [];
let app: TestApp;
let buyer: Person;

beforeAll(async () => {
  app = await startTestApp({ logger: log.logger });
  buyer = await app.signIn();
  // oxlint-disable-next-line typescript/unbound-method -- applied to each client below
  const send = pg.Client.prototype.query as (...args: unknown[]) => unknown;
  vi.spyOn(pg.Client.prototype, 'query').mockImplementation(function (this: pg.Client, ...args: unknown[]) {
    const [query] = args as [string | { text: string }];
    statements.push(typeof query === 'string' ? query : query.text);
    return send.apply(this, args) as never;
  });
});
afterAll(async () => {
  vi.restoreAllMocks();
  await app.close();
});

const begun = (requestId: string) => statements.filter((text) => text === `BEGIN /* request_id=${requestId} */`).length;
const linesOf = (requestId: string) => lines.filter((line) => line.requestId === requestId);
/** All that was said up to the request's own line, which may come after its answer. */
async function said(requestId: string): Promise<Line[]> {
  await until(() => linesOf(requestId).some(({ msg }) => msg === 'request'));
  return linesOf(requestId);
}

test('an order, from the header to those who hear of it', async () => {
  const { sku } = await app.sellable();
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  const placing = app.api
    .post('/api/v1/orders')
    .set(buyer.auth)
    .set(key())
    .set('X-Request-Id', 'walk-place')
    .set({ traceparent });
  const placed = await placing
    .send({ lines: [{ sku, quantity: 1 }] })
    .expect(201)
    .expect('X-Request-Id', 'walk-place');
  const orderId = (placed.body.data as { id: string }).id;
  const paying = app.api
    .post(`/api/v1/orders/${orderId}/payments`)
    .set(buyer.auth)
    .set(key())
    .set('X-Request-Id', 'walk-pay');
  await paying.send({ token: 'tok_ok', capture: true }).expect(201);

  expect(await said('walk-place')).toMatchObject([
    { msg: 'request', level: 'info', traceId: '0af7651916cd43dd8448eb211c80319c' },
  ]);
  expect(
    await app.sql(
      'SELECT action, request_id FROM orders.transitions WHERE order_id = $1 AND action <> $2 ORDER BY seq',
      [orderId, 'pay'],
    ),
  ).toEqual([
    { action: 'place', request_id: 'walk-place' },
    { action: 'confirm', request_id: 'walk-pay' },
  ]);
  expect(begun('walk-pay')).toBeGreaterThan(0);
  const facts = await app.sql<{ type: string; request_id: string }>(
    'SELECT type, request_id FROM events.outbox WHERE aggregate_id = $1 ORDER BY seq',
    [orderId],
  );
  expect(facts).toContainEqual({ type: 'order.placed', request_id: 'walk-place' });
  expect(facts).toContainEqual({ type: 'payment.captured', request_id: 'walk-pay' });

  const before = begun('walk-pay');
  await app.dispatch();
  const heard = (await said('walk-pay')).filter(({ msg }) => msg === 'delivered');
  expect(heard).toContainEqual(expect.objectContaining({ type: 'payment.captured', subscriber: expect.any(String) }));
  // What is done on hearing it is done in its name: here the order's timeline.
  expect(begun('walk-pay')).toBeGreaterThan(before);
  const [told] = await app.sql(
    `SELECT request_id FROM orders.transitions WHERE order_id = $1 AND event_id IS NOT NULL`,
    [orderId],
  );
  expect(told).toEqual({ request_id: 'walk-pay' });
});

test('a service that has something to say, and a refusal, say it under the same id', async () => {
  const { sku } = await app.sellable();
  const { body } = await app.api
    .post('/api/v1/orders')
    .set(buyer.auth)
    .set(key())
    .send({ lines: [{ sku, quantity: 1 }] })
    .expect(201);
  vi.spyOn(app.modules.payments.provider, 'authorize').mockRejectedValueOnce(new Error('the line is dead'));
  const paying = app.api
    .post(`/api/v1/orders/${(body.data as { id: string }).id}/payments`)
    .set(buyer.auth)
    .set(key())
    .set('X-Request-Id', 'walk-silent');
  await paying.send({ token: 'tok_ok', capture: true }).expect(202);
  expect(await said('walk-silent')).toEqual([
    expect.objectContaining({ msg: 'the provider gave no answer', module: 'payments', level: 'warn' }),
    expect.objectContaining({ msg: 'request', level: 'info' }),
  ]);

  const refused = await app.api.get('/api/v1/orders').set('X-Request-Id', 'walk-refused').expect(401);
  expect((refused.body as { requestId: string }).requestId).toBe('walk-refused');
  expect(await said('walk-refused')).toMatchObject([{ msg: 'request', level: 'warn', status: 401 }]);
});

test('an id that is none gets another, before it reaches a comment in SQL', async () => {
  const { headers } = await app.api
    .get('/api/v1/products')
    .set('X-Request-Id', 'x */ DROP TABLE orders.orders')
    .expect(200);
  expect(headers['x-request-id']).toMatch(/^[\da-f-]{36}$/);
});

test('a pipeline of logs finds the fields it names', () => {
  const logged = new Set(lines.flatMap((line) => Object.keys(line)));
  const filebeat = [...readFileSync('deploy/logs/filebeat.yml', 'utf8').matchAll(/waybill\.(\w+)/g)].map(
    ([, field = '']) => field,
  );
  const vector = [...readFileSync('deploy/logs/vector.yaml', 'utf8').matchAll(/del\(\.(\w+)\)/g)].map(
    ([, field = '']) => field,
  );
  const named = [...filebeat, ...vector].filter((field) => field !== 'service');
  expect(named.length).toBeGreaterThan(5);
  expect(named.filter((field) => !logged.has(field))).toEqual([]);
});
