// What operators see in numbers of a shop at work: orders, payments, stock, the outbox, the queue; and every name of it in docs/metrics.md.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { key, startTestApp, type Person, type TestApp } from './support/app.ts';
import { hasProgram } from './support/programs.ts';
import { startServerProcess, type ServerProcess } from './support/server-process.ts';

let app: TestApp;
let buyer: Person;
beforeAll(async () => {
  app = await startTestApp();
  buyer = await app.signIn();
});
afterAll(() => app.close());

const order = (sku: string, quantity = 1) =>
  app.api
    .post('/api/v1/orders')
    .set(buyer.auth)
    .set(key())
    .send({ lines: [{ sku, quantity }] });

const told = async (series: string): Promise<number> => valueOf(await app.metrics.text(), series);
const valueOf = (text: string, series: string): number =>
  Number(text.split('\n').find((line) => line.startsWith(`${series} `))?.slice(series.length + 1)); // prettier-ignore

describe('a shop at work', () => {
  test('counts what was placed, what was refused for want of stock, and every problem by its code', async () => {
    const { sku } = await app.sellable({ onHand: 1 });
    await order(sku).expect(201);
    await order(sku).expect(422);
    await order('NO-SUCH').expect(422);
    expect(await told('facts_recorded_total{type="order.placed"}')).toBe(1);
    expect(await told('stock_refusals_total')).toBe(1);
    expect(await told('http_server_errors_total{status="422",code="insufficient_stock"}')).toBe(1);
    expect(await told('http_server_errors_total{status="422",code="unknown_sku"}')).toBe(1);
    expect(await told('orders_open{status="pending_payment"}')).toBe(1);
    expect(await told('orders_open{status="confirmed"}')).toBe(0);
  });

  test('counts payments by what became of them, and sees an order move', async () => {
    const { sku } = await app.sellable();
    const { body } = await order(sku).expect(201);
    const paid = app.api
      .post(`/api/v1/orders/${(body.data as { id: string }).id}/payments`)
      .set(buyer.auth)
      .set(key());
    await paid.send({ token: 'tok_ok', capture: true }).expect(201);
    expect(await told('facts_recorded_total{type="payment.captured"}')).toBe(1);
    expect(await told('facts_recorded_total{type="payment.declined"}')).toBe(0);
    expect(await told('facts_recorded_total{type="order.confirmed"}')).toBe(1);
    expect(await told('orders_open{status="confirmed"}')).toBe(1);
  });

  test('a fact that was rolled back is not counted', async () => {
    const before = await told('facts_recorded_total{type="order.expired"}');
    const fact = { orderId: buyer.userId, customerId: buyer.userId };
    const failing = app.database.transaction(async (tx) => {
      await app.modules.outbox.record(tx, 'order.expired', buyer.userId, fact);
      throw new Error('after all not');
    });
    await expect(failing).rejects.toThrow('after all not');
    expect(await told('facts_recorded_total{type="order.expired"}')).toBe(before);
  });

  test('an order that should have expired, and a payment that nobody asks about, are told by their age', async () => {
    const { sku } = await app.sellable();
    await order(sku).expect(201);
    expect(await told('orders_overdue_seconds')).toBe(0);
    expect(await told('payments_check_overdue_seconds')).toBe(0);
    await app.sql(`UPDATE orders.orders SET expires_at = now() - interval '90 s' WHERE status = 'pending_payment'`);
    await app.sql(`UPDATE payments.payments SET check_at = now() - interval '70 s', status = 'unknown'`);
    expect(await told('orders_overdue_seconds')).toBeGreaterThanOrEqual(90);
    expect(await told('payments_check_overdue_seconds')).toBeGreaterThanOrEqual(70);
    expect(await told('payments_unfinished{status="unknown"}')).toBe(1);
    expect(await told('payments_unfinished{status="processing"}')).toBe(0);
    expect(await told('payments_owed')).toBe(0);
    await app.sql(`UPDATE payments.payments SET is_owed = true, give_back_reason = 'order_cancelled'`);
    expect(await told('payments_owed')).toBe(1);
  });

  test('what was not delivered yet is told by subscriber, with its age; then what is dead', async () => {
    const [waiting] = await app.sql<{ subscriber: string; count: number }>(
      `SELECT subscriber, count(*)::int AS count FROM events.deliveries WHERE status = 'pending' GROUP BY subscriber`,
    );
    const subscriber = waiting?.subscriber ?? '';
    // A repeat of each: only the older of both is made old.
    await app.sql(
      `SELECT events.record(gen_random_uuid(), o.type, o.aggregate_id, o.payload, NULL)
       FROM events.outbox o JOIN events.deliveries d ON d.event_id = o.id WHERE d.status = 'pending' AND d.subscriber = $1`,
      [subscriber],
    );
    await app.sql(
      `UPDATE events.outbox SET occurred_at = now() - interval '100 s'
       WHERE seq = (SELECT min(seq) FROM events.deliveries WHERE status = 'pending' AND subscriber = $1)`,
      [subscriber],
    );
    expect(await told(`outbox_waiting{subscriber="${subscriber}"}`)).toBe(2 * (waiting?.count ?? 0));
    expect(await told(`outbox_oldest_seconds{subscriber="${subscriber}"}`)).toBeGreaterThanOrEqual(100);
    await app.dispatch();
    expect(await told(`outbox_waiting{subscriber="${subscriber}"}`)).toBe(0);
    expect(await told(`outbox_oldest_seconds{subscriber="${subscriber}"}`)).toBe(0);
    expect(await told(`event_deliveries_total{subscriber="${subscriber}",result="delivered"}`)).toBeGreaterThan(0);
    await app.sql(`UPDATE events.deliveries SET status = 'dead' WHERE subscriber = $1`, [subscriber]);
    expect(await told(`outbox_dead{subscriber="${subscriber}"}`)).toBeGreaterThan(0);
  });

  test('callers are mostly remembered', async () => {
    for (let i = 0; i < 3; i++) await app.api.get('/api/v1/orders').set(buyer.auth).expect(200);
    expect(await told('cache_requests_total{cache="sessions",result="hit"}')).toBeGreaterThan(0);
    expect(await told('cache_requests_total{cache="sessions",result="miss"}')).toBeGreaterThan(0);
    expect(await told('cache_requests_total{cache="api_keys",result="miss"}')).toBe(0);
  });
});

describe('a server process', () => {
  let server: ServerProcess;
  let text: string;
  beforeAll(async () => {
    server = await startServerProcess({ DATABASE_URL: app.databaseUrlFor('waybill') });
    // The queue's table is made by the first worker that starts.
    await vi.waitFor(
      async () => {
        text = await (await fetch(`${server.url}/metrics`)).text();
        expect(text).toContain('job_queue_waiting{');
      },
      { timeout: 20_000, interval: 500 },
    );
  });
  afterAll(() => server.stop());

  const namesOf = (exposition: string) => [...exposition.matchAll(/^# TYPE (\S+) /gm)].map(([, name = '']) => name);

  test.skipIf(process.platform !== 'linux')('tells what docs/metrics.md lists, and nothing else', () => {
    const documented = [...readFileSync('docs/metrics.md', 'utf8').matchAll(/^\| `(\w+)/gm)].map(
      ([, name = '']) => name,
    );
    expect(documented.toSorted()).toEqual(namesOf(text).toSorted());
  });

  test('tells what a queue has to do, its build, its memory and its loop', () => {
    expect(valueOf(text, 'job_queue_waiting{job="orders.expire"}')).toBeGreaterThanOrEqual(0);
    expect(valueOf(text, 'waybill_processes')).toBe(1);
    expect(text).toMatch(/^waybill_build_info\{version="[^"]+",commit="[^"]+"\} 1$/m);
    expect(text).toMatch(/^nodejs_gc_duration_seconds_count\{kind="\w+"\} \d+$/m);
    expect(text).not.toContain('nodejs_eventloop_lag');
  });

  test.skipIf(!hasProgram('promtool', 'prometheus'))('says it in the words of Prometheus (needs promtool)', () => {
    const { stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' });
    const complaints = `${stdout}${stderr}`.trim().split('\n').filter((line) => !isOfPromClient(line)); // prettier-ignore
    expect(complaints.filter((line) => line !== '')).toEqual([]);
    // A name that is no good is found.
    const bad = spawnSync('promtool', ['check', 'metrics'], {
      input: '# TYPE x_total gauge\nx_total 1\n',
      encoding: 'utf8',
    });
    expect(bad.status).not.toBe(0);
  });
});

/** Three gauges of prom-client's that are called a total. */
const isOfPromClient = (line: string): boolean =>
  /^nodejs_active_(handles|requests|resources)_total non-counter metrics should not have "_total" suffix$/.test(line);
