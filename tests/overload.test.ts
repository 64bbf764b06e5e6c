// More to do than can be done: what can wait is turned away at once, what stock and money wait for never is.
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { Load, type Level } from '../shared/metrics/load.ts';
import { isShed } from '../shared/middleware/shed-load.ts';
import { key, startTestApp } from './support/app.ts';
import { operationsOf } from './support/operations.ts';

let waiting = 0;
const load = new Load({ waiting: () => waiting, poolMax: 20, loopDelayMs: 0 });
const app = await startTestApp({ load });
afterAll(() => app.close());
const customer = await app.signIn();

const whenWaiting = (count: number): void => {
  waiting = count;
  onTestFinished(() => void (waiting = 0));
};

const LOW = ['exportOrders', 'getProduct', 'listProducts'];
const VITAL = ['cancelOrder', 'createRefund', 'receivePaymentEvent'];

describe.each(operationsOf(app.document))('$id', ({ id, method, path, codes }) => {
  const priority = LOW.includes(id) ? 'low' : VITAL.includes(id) ? 'vital' : 'normal';

  test.each([
    [20, 'busy'],
    [40, 'overloaded'],
  ] as const)(`is ${priority}: with %i waiting, which is %s`, async (count, level) => {
    whenWaiting(count);
    const { status, body, headers } = await app.api[method](`/api/v1${path.replaceAll(/\{\w+\}/g, randomUUID())}`);
    const answer = { status, code: body.code, retryAfter: headers['retry-after'] };
    const turnedAway = { status: 503, code: 'overloaded', retryAfter: '1' };
    if (priority === 'low' || (priority === 'normal' && level === 'overloaded')) expect(answer).toEqual(turnedAway);
    else expect(status).toBeLessThan(500);
  });

  test('is documented so', () => expect(codes.includes('overloaded')).toBe(priority !== 'vital'));
});

test('health, readiness and metrics answer as ever, and what was turned away is counted', async () => {
  whenWaiting(40);
  await app.api.get('/api/v1/products').expect(503);
  await app.api.head('/api/v1/products').expect(503);
  for (const path of ['/health', '/ready', '/version', '/docs/errors/overloaded']) await app.api.get(path).expect(200);
  const { text } = await app.api.get('/metrics').expect(200);
  expect(Number(/^http_requests_shed_total\{priority="low"\} (\d+)$/m.exec(text)?.[1])).toBeGreaterThanOrEqual(2);
});

test('what is vital is done', async () => {
  const { sku } = await app.sellable();
  const order = { lines: [{ sku, quantity: 1 }] };
  const placed = await app.api.post('/api/v1/orders').set(customer.auth).set(key()).send(order).expect(201);
  whenWaiting(40);
  const cancellation = `/api/v1/orders/${placed.body.data.id}/cancellation`;
  await app.api.post(cancellation).set(customer.auth).set(key()).expect(200);
});

test('an order that is turned away has not happened: the same key places it later', async () => {
  const { sku } = await app.sellable();
  const intent = key();
  const place = () => app.api.post('/api/v1/orders').set(customer.auth).set(intent).send({ lines: [{ sku, quantity: 1 }] }); // prettier-ignore
  whenWaiting(40);
  await place().expect(503);
  waiting = 0;
  const { headers } = await place().expect(201);
  expect(headers['idempotency-replayed']).toBeUndefined();
});

test('what is turned away is not read any further: a bad token is not looked at', async () => {
  const request = () => app.api.get('/api/v1/orders').set('Authorization', 'Bearer nonsense');
  await request().expect(401);
  whenWaiting(40);
  await request().expect(503);
});

describe('the load', () => {
  test.each([
    [0, 'calm'],
    [19, 'calm'],
    [20, 'busy'],
    [39, 'busy'],
    [40, 'overloaded'],
  ])('with %i waiting for 20 connections is %s', (count, level) => {
    whenWaiting(count);
    expect(load.level).toBe(level);
  });

  test('is seen in an event loop that is late, and ends when it is not any more', async () => {
    const late = new Load({ waiting: () => 0, poolMax: 20, loopDelayMs: 60 });
    late.watchLoop();
    expect(late.level).toBe('calm');
    const until = async (level: Level, meanwhile: () => void) => {
      for (let turns = 0; turns < 400 && late.level !== level; turns++) await sleep(5, meanwhile());
      expect(late.level).toBe(level);
    };
    await until('busy', () => block(100));
    await until('overloaded', () => block(400));
    await until('calm', () => undefined);
  });

  test.each([
    ['low', 'calm', false],
    ['low', 'busy', true],
    ['normal', 'busy', false],
    ['normal', 'overloaded', true],
    ['vital', 'overloaded', false],
  ] as const)('%s when it is %s: %s', (priority, level, isTurnedAway) => {
    expect(isShed(priority, level)).toBe(isTurnedAway);
  });
});

/** As a computation would. */
function block(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}
