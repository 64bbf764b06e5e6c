// The typed client against the real server: a customer buys with it, and what the network does to her makes no second order.
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createClient, isProblem, type Client, type Order } from '../clients/typescript/src/index.ts';
import { startTestApp, type TestApp } from './support/app.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());

/** A person who has just registered and logged in, at this address of the server. */
async function customer(baseUrl = app.url): Promise<Client> {
  const waybill = createClient({ baseUrl });
  const credentials = { email: `ada-${randomUUID()}@example.com`, password: 'sand-Castle-42-tide' };
  const { data: user } = await waybill.registerUser({ body: { ...credentials, name: 'Ada' } });
  expect(user).toMatchObject({ email: credentials.email, role: 'customer' });
  await waybill.logIn({ body: credentials });
  return waybill;
}

async function listed(orders: AsyncIterable<Order>): Promise<string[]> {
  const numbers: string[] = [];
  for await (const { number } of orders) numbers.push(number);
  return numbers;
}

describe('a customer', () => {
  test('registers, logs in, places, pays, reads, and lists page by page', async () => {
    const waybill = await customer();
    const { sku } = await app.sellable({ amount: 1299, taxRateBps: 1900 });
    const lines = [{ sku, quantity: 2 }];
    const quote = await waybill.quoteOrder({ body: { lines } });
    const {
      data: order,
      status,
      etag,
      isReplay,
    } = await waybill.placeOrder({ body: { lines, expectedTotal: quote.data.total } });
    expect({ status, etag, isReplay }).toEqual({ status: 201, etag: '"1"', isReplay: false });
    expect(order.total).toEqual({ amount: 3092, currency: 'EUR' });
    expect(Date.parse(order.placedAt)).toBeGreaterThan(0);

    const payment = await waybill.createPayment({ params: { id: order.id }, body: { token: 'tok_ok' } });
    expect([payment.status, payment.data.status]).toEqual([201, 'captured']);
    const { data: read, requestId } = await waybill.getOrder({ params: { id: order.id } });
    expect(read).toMatchObject({ status: 'confirmed', paymentStatus: 'paid' });
    expect(requestId).not.toBeNull();

    const numbers = [order.number];
    for (let i = 0; i < 4; i++) numbers.unshift((await waybill.placeOrder({ body: { lines } })).data.number);
    expect(await listed(waybill.listOrders.each({ query: { limit: 2 } }))).toEqual(numbers);
    expect((await waybill.logOut()).status).toBe(204);
  });

  test('is told what was wrong, by its code', async () => {
    const waybill = await customer();
    const { sku } = await app.sellable({ onHand: 1 });
    const refused = await waybill
      .placeOrder({ body: { lines: [{ sku, quantity: 2 }] } })
      .catch((error: unknown) => error);
    if (!isProblem(refused, 'insufficient_stock')) throw refused;
    expect(refused.status).toBe(422);
    expect(refused.errors).toMatchObject([{ pointer: '/lines/0/quantity', available: 1 }]);
    const missing = await waybill.getOrder({ params: { id: '01939d3a-7c1e-7b1a-8f00-000000000001' } }).catch((error: unknown) => error); // prettier-ignore
    expect(isProblem(missing, 'order_not_found')).toBe(true);
  });

  test('changes what she read, and nothing that has changed since', async () => {
    const waybill = await customer();
    const { etag } = await waybill.getMyAccount();
    const ifMatch = etag ?? '';
    const { data: changed } = await waybill.changeMyAccount({ body: { name: 'Ada L.' }, ifMatch });
    expect(changed.name).toBe('Ada L.');
    const stale = await waybill.changeMyAccount({ body: { name: 'Ada B.' }, ifMatch }).catch((error: unknown) => error);
    expect(isProblem(stale, 'version_stale')).toBe(true);
  });

  test('whose access token ran out goes on with a new one, fetched once for all calls', async () => {
    const { email, password, userId } = await app.signIn();
    const changes: unknown[] = [];
    const waybill = createClient({ baseUrl: app.url, onTokens: (tokens) => changes.push(tokens) });
    const { data: tokens } = await waybill.logIn({ body: { email, password } });
    const forgetful = createClient({
      baseUrl: app.url,
      tokens: { ...tokens, accessToken: `${tokens.accessToken}x` },
      onTokens: (renewed) => changes.push(renewed),
    });
    const accounts = await Promise.all([1, 2, 3].map(() => forgetful.getMyAccount()));
    expect(accounts.map(({ data }) => data.id)).toEqual([userId, userId, userId]);
    expect(changes).toHaveLength(2);
  });
});

describe('a connection that is cut after the server has decided, before its answer arrives', () => {
  let wire: Awaited<ReturnType<typeof cuttableWire>>;
  beforeAll(async () => {
    wire = await cuttableWire(app.url);
  });
  afterAll(() => wire.close());

  test('makes one order: the retry brings the same key and gets the answer that was lost', async () => {
    const waybill = await customer(wire.url);
    const { sku } = await app.sellable({ onHand: 10 });
    wire.cutNextAnswerTo('POST /api/v1/orders ');
    const { data: order, isReplay } = await waybill.placeOrder({ body: { lines: [{ sku, quantity: 3 }] } });
    expect(isReplay).toBe(true);
    expect(await listed(waybill.listOrders.each())).toEqual([order.number]);
    const [level] = await app.sql('SELECT reserved FROM catalog.stock WHERE sku = $1', [sku]);
    expect(level).toEqual({ reserved: 3 });
    expect(wire.cuts()).toBe(1);
  });
});

/** Passes bytes on, and cuts the connection instead of passing on the answer that was named. */
async function cuttableWire(target: string) {
  const { hostname, port } = new URL(target);
  let condemned: string | null = null;
  let cuts = 0;
  const open = new Set<Socket>();
  const server: Server = createServer((near) => {
    const far = connect(Number(port), hostname);
    let isCondemned = false;
    for (const socket of [near, far]) {
      open.add(socket);
      socket.on('error', () => {}).on('close', () => (near.destroy(), far.destroy(), open.delete(socket)));
    }
    near.on('data', (bytes) => {
      isCondemned = condemned !== null && bytes.toString().startsWith(condemned);
      if (isCondemned) condemned = null;
      far.write(bytes);
    });
    far.on('data', (bytes) => {
      if (!isCondemned) return void near.write(bytes);
      cuts++;
      near.destroy();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cutNextAnswerTo: (start: string) => (condemned = start),
    cuts: () => cuts,
    close: async () => {
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
