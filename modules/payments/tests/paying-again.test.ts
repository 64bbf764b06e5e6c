// Anna presses the button twice, her network repeats itself, and two of her tabs pay at once: she is charged once.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { key, startTestApp, type Person, type TestApp } from '../../../tests/support/app.ts';
import {
  actorOf,
  anotherProcess,
  chargesOf,
  factsOf,
  hold,
  pay,
  payKey,
  paymentsOf,
  placeOrder,
  readOrder,
  untilWaiting,
} from './story.ts';

let app: TestApp;
let anna: Person;

beforeAll(async () => {
  app = await startTestApp();
  anna = await app.signIn();
});
afterAll(() => app.close());

describe('the same key', () => {
  it.each([
    ['tok_ok', 201],
    ['tok_requires_action', 202],
    ['tok_declined', 402],
  ])('gets the same answer: %s', async (token, status) => {
    const orderId = await placeOrder(app, anna);
    const same = key();
    const first = await pay(app, anna, orderId, { token }, same).expect(status);
    const again = await pay(app, anna, orderId, { token, capture: true }, same).expect(status);
    expect(again.body).toEqual(first.body);
    expect(first.headers['idempotency-replayed']).toBeUndefined();
    expect(again.headers['idempotency-replayed']).toBe('true');
    expect(again.headers['location']).toBe(first.headers['location']);
    expect(await chargesOf(app, orderId)).toHaveLength(1);
    expect(await paymentsOf(app, anna, orderId)).toHaveLength(1);
  });

  it('gets the same refusal, even when it could be paid by now', async () => {
    const orderId = await placeOrder(app, anna);
    await pay(app, anna, orderId, { token: 'tok_requires_action' }).expect(202);
    const same = key();
    const first = await pay(app, anna, orderId, { token: 'tok_ok' }, same).expect(409);
    await app.sql(`UPDATE payments.payments SET status = 'declined', check_at = NULL WHERE order_id = $1`, [orderId]);
    const again = await pay(app, anna, orderId, { token: 'tok_ok' }, same).expect(409);
    expect(again.body).toEqual(first.body);
    await pay(app, anna, orderId, { token: 'tok_ok' }).expect(201);
  });

  it('is refused for another request', async () => {
    const orderId = await placeOrder(app, anna);
    const same = key();
    await pay(app, anna, orderId, { token: 'tok_ok' }, same).expect(201);
    const { body } = await pay(app, anna, orderId, { token: 'tok_ok', capture: false }, same).expect(422);
    expect(body.code).toBe('idempotency_key_reused');
  });

  it('makes one payment of sixteen twins', async () => {
    const orderId = await placeOrder(app, anna);
    const same = key();
    const answers = await Promise.all(
      Array.from({ length: 16 }, () => pay(app, anna, orderId, { token: 'tok_ok' }, same)),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
    expect(new Set(answers.map(({ body }) => body.data.id)).size).toBe(1);
    expect(await chargesOf(app, orderId)).toHaveLength(1);
    expect(await factsOf(app, orderId)).toEqual(['payment.captured']);
  });

  it('makes one payment of twins in two processes, held until both are under way', async () => {
    const other = anotherProcess(app);
    const orderId = await placeOrder(app, anna);
    const input = { token: 'tok_ok', capture: true };
    const held = await hold(app, 'SELECT id FROM orders.orders WHERE id = $1 FOR UPDATE', [orderId]);
    const here = pay(app, anna, orderId, input, key('twins-1')).then((answer) => answer);
    await untilWaiting(app, 1);
    // The twin elsewhere neither waits nor pays.
    await expect(
      other.service.pay(actorOf(anna), orderId, input, payKey(anna, orderId, input, 'twins-1')),
    ).rejects.toMatchObject({
      code: 'idempotency_in_progress',
    });
    await held.letGo();
    const { body } = await here;
    const again = await other.service.pay(actorOf(anna), orderId, input, payKey(anna, orderId, input, 'twins-1'));
    expect(again).toEqual({ result: body.data, replayed: true });
    expect(await chargesOf(app, orderId)).toHaveLength(1);
    await other.close();
  });
});

describe('other keys', () => {
  it('pay once, when both wait for the order', async () => {
    const orderId = await placeOrder(app, anna);
    const held = await hold(app, 'SELECT id FROM orders.orders WHERE id = $1 FOR UPDATE', [orderId]);
    const both = Promise.all([1, 2].map(() => pay(app, anna, orderId, { token: 'tok_ok' })));
    await untilWaiting(app, 2);
    await held.letGo();
    const answers = await both;
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201, 409]));
    expect(answers.find(({ status }) => status === 409)?.body.code).toMatch(
      /payment_in_progress|order_status_forbidden/,
    );
    expect(await chargesOf(app, orderId)).toHaveLength(1);
    expect(await readOrder(app, orderId)).toEqual({ status: 'confirmed', paymentStatus: 'paid' });
  });

  it('does not deadlock with the settling of the payment before', async () => {
    const orderId = await placeOrder(app, anna);
    const { body } = await pay(app, anna, orderId, { token: 'tok_requires_action' }).expect(202);
    const held = await hold(app, 'SELECT id FROM orders.orders WHERE id = $1 FOR UPDATE', [orderId]);
    await app.modules.payments.provider.decide(body.data.id, 'decline');
    const confirmation = app.api
      .post(`/api/v1/payments/${body.data.id}/confirmation`)
      .set(anna.auth)
      .set(key())
      .then((answer) => answer);
    await untilWaiting(app, 1);
    const payment = pay(app, anna, orderId, { token: 'tok_ok' }).then((answer) => answer);
    await untilWaiting(app, 2);
    await held.letGo();
    expect((await confirmation).status).toBe(200);
    // Whoever got the order first: paid after the settlement, or refused before it.
    expect([201, 409]).toContain((await payment).status);
    await pay(app, anna, orderId, { token: 'tok_ok' });
    expect(await readOrder(app, orderId)).toEqual({ status: 'confirmed', paymentStatus: 'paid' });
  });
});
