// All orders as a file: who gets it, in which form, and what becomes of it when its reader is slow, leaves, or the database fails.
import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { key, startTestApp, type Person, type TestApp } from '../../../tests/support/app.ts';

let app: TestApp;
let alice: Person;
let finance: Person;
beforeAll(async () => {
  app = await startTestApp();
  [alice, finance] = await Promise.all([app.signIn(), app.signIn({ role: 'finance' })]);
});
afterAll(() => app.close());

const asked = (query: string, accept: string) =>
  app.api.get(`/api/v1/orders/export${query}`).set(finance.auth).set('Accept', accept);
const placed = async (more: object = {}) => {
  const { sku } = await app.sellable();
  const order = { lines: [{ sku, quantity: 2 }], ...more };
  return (await app.api.post('/api/v1/orders').set(alice.auth).set(key()).send(order).expect(201)).body.data;
};
const read = async (id: string) => (await app.api.get(`/api/v1/orders/${id}`).set(alice.auth).expect(200)).body.data;

describe('an export', () => {
  test('as CSV has a row per order, and no cell that a spreadsheet would run', async () => {
    const address = { name: 'Alice', line1: 'Main Street 1', city: 'Aachen', country: 'DE' };
    const order = await placed({ note: '=HYPERLINK("http://evil.example","x")', shippingAddress: address });
    const cancel = app.api.post(`/api/v1/orders/${order.id}/cancellation`).set(alice.auth).set(key());
    await cancel.send({ reason: '@SUM(1,2)\nsecond line' }).expect(200);
    const plain = await placed();
    const { text, headers } = await asked(`?customerId=${alice.userId}`, 'text/csv').expect(200);
    expect(headers).toMatchObject({
      'content-type': 'text/csv; charset=utf-8',
      'content-disposition': 'attachment; filename="orders.csv"',
      'x-accel-buffering': 'no',
      'cache-control': 'no-store',
      vary: expect.stringContaining('Accept'),
    });
    const rest = 'unpaid,unfulfilled,EUR,2000,380,2380,1,2';
    expect(text).toBe(
      [
        'number,id,placedAt,customerId,status,paymentStatus,fulfillmentStatus,currency,subtotal,tax,total,lines,quantity,shippingCountry,note,cancelReason',
        `${plain.number},${plain.id},${plain.placedAt},${alice.userId},pending_payment,${rest},,,`,
        `${order.number},${order.id},${order.placedAt},${alice.userId},cancelled,${rest},DE,"'=HYPERLINK(""http://evil.example"",""x"")","'@SUM(1,2)\nsecond line"`,
        '',
      ].join('\r\n'),
    );
  });

  test('as NDJSON has each order as the API shows it', async () => {
    const orders = [await placed(), await placed({ note: 'two\nlines' })];
    const { text, headers } = await asked('?status=pending_payment', 'application/x-ndjson').buffer(true).expect(200);
    expect(headers).toMatchObject({
      'content-type': 'application/x-ndjson; charset=utf-8',
      'content-disposition': 'attachment; filename="orders.ndjson"',
    });
    const lines = text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { id: string });
    for (const { id } of orders) expect(lines).toContainEqual(await read(id));
    expect(lines.slice(0, 2).map(({ id }) => id)).toEqual(orders.map(({ id }) => id).toReversed());
  });

  test('of nothing is the header, or nothing', async () => {
    const none = '?createdBefore=2020-01-01T00:00:00Z';
    expect((await asked(none, '*/*').expect(200)).text).toMatch(/^number,[\w,]+\r\n$/);
    expect((await asked(none, 'application/x-ndjson').buffer(true).expect(200)).text).toBe('');
  });

  test('in a form that is not offered is refused', async () => {
    const { body } = await asked('', 'application/json').expect(400);
    expect(body).toMatchObject({ code: 'accept_unsupported', errors: [{ pointer: '/header/accept' }] });
    expect((await asked('?limit=5', 'text/csv').expect(400)).body.errors[0]).toMatchObject({ pointer: '/query/limit' });
  });

  test('is on record, with what was asked for', async () => {
    const query = `?status=cancelled&customerId=${alice.userId}`;
    await asked(query, 'text/csv').set('X-Request-Id', 'the-export').expect(200);
    const entries = await app.sql(
      `SELECT actor_id, action, subject_type, subject_id, after FROM audit.entries WHERE request_id = 'the-export'`,
    );
    expect(entries).toEqual([
      {
        actor_id: finance.userId,
        action: 'order.exported',
        subject_type: 'order',
        subject_id: null,
        after: { contentType: 'text/csv', status: 'cancelled', customerId: alice.userId },
      },
    ]);
  });
});

describe('a large export', () => {
  /** The exports under way: nothing else has a transaction open here. */
  const sent = () =>
    app.sql<{ pid: number }>(
      `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND xact_start IS NOT NULL AND pid <> pg_backend_pid()`,
    );
  /** Reads the first bytes and no more: 20 MB are more than all the buffers on the way take. */
  async function begin(): Promise<IncomingMessage> {
    const url = `${app.url}/api/v1/orders/export`;
    const asking = request(url, { headers: { ...finance.auth, Accept: 'application/x-ndjson' }, agent: false });
    asking.end();
    const [answer] = (await once(asking, 'response')) as [IncomingMessage];
    answer.on('error', () => undefined);
    await once(answer, 'readable');
    expect(answer.statusCode).toBe(200);
    return answer;
  }

  beforeAll(async () => {
    for (let part = 0; part < 8; part++)
      await app.sql(
        `INSERT INTO orders.orders (id, customer_id, status, payment_status, fulfillment_status, currency, subtotal_amount, tax_amount, total_amount, note, placed_at)
         SELECT gen_random_uuid(), $1, 'completed', 'paid', 'delivered', 'EUR', 1000, 190, 1190, repeat('x', 1000), now() - interval '1 day'
         FROM generate_series(1, 2000)`,
        [alice.userId],
      );
  }, 60_000);

  test('ends its query when its reader leaves, and gives its place to the next', async () => {
    const answers = [await begin(), await begin()];
    await expect.poll(async () => (await sent()).length, { timeout: 10_000 }).toBe(2);
    const { body, headers } = await asked('', 'text/csv').expect(503);
    expect(body.code).toBe('exports_busy');
    expect(headers['retry-after']).toBe('10');
    for (const answer of answers) answer.destroy();
    await expect.poll(async () => (await sent()).length, { timeout: 10_000 }).toBe(0);
    await asked('?createdBefore=2020-01-01T00:00:00Z', 'text/csv').expect(200);
  }, 30_000);

  test('is cut off when the database fails, so that nobody takes it for whole', async () => {
    const answer = await begin();
    await expect.poll(async () => (await sent()).length, { timeout: 10_000 }).toBe(1);
    const [backend] = await sent();
    const ending = await app.sql('SELECT pg_terminate_backend($1) AS done', [backend?.pid]);
    expect(ending).toEqual([{ done: true }]);
    const ended = new Promise((resolve) => answer.once('close', resolve));
    answer.resume();
    await ended;
    expect(answer.complete).toBe(false);
    await asked('?createdBefore=2020-01-01T00:00:00Z', 'text/csv').expect(200);
  }, 30_000);

  test('waits for a slow reader, and is whole in the end', async () => {
    const answer = await begin();
    let text = '';
    answer.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    await once(answer, 'end');
    expect(answer.complete).toBe(true);
    const ids = new Set(
      text
        .trimEnd()
        .split('\n')
        .map((line) => (JSON.parse(line) as { id: string }).id),
    );
    const [count] = await app.sql('SELECT count(*)::int AS count FROM orders.orders');
    expect(ids.size).toBe(count?.['count']);
  }, 60_000);
});
