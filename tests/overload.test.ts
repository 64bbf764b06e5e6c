// More to do than can be done: what can wait is turned away at once, what stock and money wait for never is.
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { Load, type Priority } from '../shared/metrics/load.ts';
import { key, startTestApp } from './support/app.ts';
import { operationsOf } from './support/operations.ts';

let waiting = 0;
const load = new Load({ waiting: () => waiting, poolMax: 2, loopDelayMs: 0 });
const app = await startTestApp({ load });
afterAll(() => app.close());
const customer = await app.signIn();

const whenWaiting = (count: number): void => {
  waiting = count;
  onTestFinished(() => void (waiting = 0));
};

/** As if so many were being worked on. */
const whenRunning = (priority: Priority, count: number): void => {
  for (let i = 0; i < count; i++) onTestFinished(load.begin(priority));
};

const LOW = ['exportOrders', 'getProduct', 'listProducts'];
const VITAL = ['cancelOrder', 'createRefund', 'receivePaymentEvent'];

describe.each(operationsOf(app.document))('$id', ({ id, method, path, codes }) => {
  const isLow = LOW.includes(id);
  const isVital = VITAL.includes(id);

  test.each([
    ['as many wait as there are connections', 2, isLow],
    ['three times as many wait', 6, !isVital],
  ])('when %s', async (_when, count, isTurnedAway) => {
    whenWaiting(count);
    const { status, body, headers } = await app.api[method](`/api/v1${path.replaceAll(/\{\w+\}/g, randomUUID())}`);
    const answer = { status, code: body.code, retryAfter: headers['retry-after'] };
    if (isTurnedAway) expect(answer).toEqual({ status: 503, code: 'overloaded', retryAfter: '1' });
    else expect(status).toBeLessThan(500);
  });

  test('is documented so', () => expect(codes.includes('overloaded')).toBe(!isVital));
});

const place = async (headers = key()) => {
  const { sku } = await app.sellable();
  return app.api
    .post('/api/v1/orders')
    .set(customer.auth)
    .set(headers)
    .send({ lines: [{ sku, quantity: 1 }] });
};

test('health, readiness and metrics answer as ever, and what was turned away is counted', async () => {
  whenWaiting(6);
  await app.api.get('/api/v1/products').expect(503);
  await app.api.head('/api/v1/products').expect(503);
  for (const path of ['/health', '/ready', '/version', '/docs/errors/overloaded']) await app.api.get(path).expect(200);
  const { text } = await app.api.get('/metrics').expect(200);
  expect(Number(/^http_requests_shed_total\{priority="low"\} (\d+)$/m.exec(text)?.[1])).toBeGreaterThanOrEqual(2);
});

test('what is vital is done', async () => {
  const { id } = (await place()).body.data;
  whenWaiting(6);
  whenRunning('normal', 7);
  await app.api.post(`/api/v1/orders/${id}/cancellation`).set(customer.auth).set(key()).expect(200);
});

test('what is turned away has not happened: the same key does it later', async () => {
  const { sku } = await app.sellable();
  const intent = key();
  const order = () => app.api.post('/api/v1/orders').set(customer.auth).set(intent).send({ lines: [{ sku, quantity: 1 }] }); // prettier-ignore
  whenWaiting(6);
  await order().expect(503);
  waiting = 0;
  const { headers } = await order().expect(201);
  expect(headers['idempotency-replayed']).toBeUndefined();
});

test('at the door nothing is read: a bad token is not looked at', async () => {
  const asked = () => app.api.get('/api/v1/orders').set('Authorization', 'Bearer nonsense');
  await asked().expect(401);
  whenWaiting(6);
  await asked().expect(503);
});

describe('what runs', () => {
  test('takes up room, and gives it back: many one after the other are no crowd', async () => {
    for (let i = 0; i < 10; i++) {
      expect((await place()).status).toBe(201);
      await app.api.get('/api/v1/products').expect(200);
    }
    await app.api.get('/api/v1/products/nonsense').expect(400);
  });

  test.each([
    ['low', 'normal', 4],
    ['normal', 'normal', 7],
    ['normal', 'low', 7],
    ['slow', 'slow', 2],
    ['batched', 'batched', 24],
  ] as const)('leaves no room for %s when %s has %i', (priority, other, count) => {
    whenRunning(other, count - 1);
    expect(load.takes(priority)).toBe(true);
    whenRunning(other, 1);
    expect(load.takes(priority)).toBe(false);
    expect(load.takes('vital')).toBe(true);
  });

  test('outside does not count inside: a slow payment provider closes no shop', async () => {
    whenRunning('slow', 2);
    expect((await place()).status).toBe(201);
    const { body } = await app.api.post(`/api/v1/orders/${randomUUID()}/payments`).set(customer.auth).set(key()).send({ token: 'tok_ok' }).expect(503); // prettier-ignore
    expect(body.code).toBe('overloaded');
  });

  test('is not who sends slowly', async () => {
    const { hostname, port } = new URL(app.url);
    const head = `POST /api/v1/orders HTTP/1.1\r\nHost: x\r\nAuthorization: ${customer.auth.Authorization}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{`;
    const sockets = Array.from({ length: 8 }, () => connect(Number(port), hostname));
    for (const socket of sockets) onTestFinished(() => void socket.destroy());
    await Promise.all(sockets.map((socket) => once(socket, 'connect')));
    for (const socket of sockets) socket.write(head);
    await app.api.get('/health').expect(200);
    await app.api.get('/api/v1/products').expect(200);
    expect(load.takes('low')).toBe(true);
  });
});

test('an event loop that is late is seen, and seen again when it is not any more', async () => {
  const late = new Load({ waiting: () => 0, poolMax: 20, loopDelayMs: 60 });
  late.watchLoop();
  const until = async (priority: Priority, isTaken: boolean, meanwhile: () => void) => {
    for (let turns = 0; turns < 400 && late.takes(priority) !== isTaken; turns++) await sleep(5, meanwhile());
    expect(late.takes(priority)).toBe(isTaken);
  };
  await until('low', false, () => block(100));
  await until('normal', false, () => block(400));
  expect(late.takes('vital')).toBe(true);
  await until('normal', true, () => undefined);
  await until('low', true, () => undefined);
});

/** As a computation would. */
function block(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}
