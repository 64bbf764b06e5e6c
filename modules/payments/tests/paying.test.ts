// Anna pays her order: with each token of the test provider, and with what cannot be paid.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { key, startTestApp, type Person, type TestApp } from '../../../tests/support/app.ts';
import {
  actorOf,
  anotherProcess,
  cancelOrder,
  chargesOf,
  factsOf,
  pay,
  payKey,
  paymentsOf,
  placeOrder,
  readOrder,
  readPayment,
  TOTAL,
  until,
} from './story.ts';

let app: TestApp;
let anna: Person;
let bert: Person;

beforeAll(async () => {
  app = await startTestApp();
  [anna, bert] = await Promise.all([app.signIn(), app.signIn()]);
});
afterAll(() => app.close());

describe('paying', () => {
  it('captures at once and confirms the order', async () => {
    const orderId = await placeOrder(app, anna);
    const { body, headers } = await pay(app, anna, orderId, { token: 'tok_ok' }).expect(201);
    const zero = { amount: 0, currency: 'EUR' };
    const { id, createdAt } = body.data;
    expect(body.data).toEqual({
      id,
      orderId,
      provider: 'test',
      status: 'captured',
      amount: TOTAL,
      capturedAmount: TOTAL,
      refundedAmount: zero,
      nextAction: null,
      createdAt,
      version: 2,
    });
    expect(headers['location']).toBe(`/api/v1/payments/${id}`);
    expect(await readOrder(app, orderId)).toEqual({ status: 'confirmed', paymentStatus: 'paid' });
    expect(await factsOf(app, orderId)).toEqual(['payment.captured']);
    expect(await readPayment(app, anna, id)).toEqual(body.data);
    expect(await paymentsOf(app, anna, orderId)).toEqual([body.data]);
  });

  it('only authorises when that is asked for', async () => {
    const orderId = await placeOrder(app, anna);
    const { body } = await pay(app, anna, orderId, { token: 'tok_ok', capture: false }).expect(201);
    expect(body.data).toMatchObject({ status: 'authorized', capturedAmount: { amount: 0 } });
    expect(await readOrder(app, orderId)).toEqual({ status: 'confirmed', paymentStatus: 'authorized' });
    expect(await factsOf(app, orderId)).toEqual(['payment.authorized']);
  });

  it.each([
    ['tok_declined', 'card_declined'],
    ['tok_nobody_knows', 'unknown_token'],
    ['__proto__', 'unknown_token'],
  ])('is declined with %s, and can be tried again', async (token, reason) => {
    const orderId = await placeOrder(app, anna);
    const { body } = await pay(app, anna, orderId, { token }).expect(402);
    expect(body).toMatchObject({ code: 'payment_declined', reason });
    expect(await readPayment(app, anna, body.paymentId)).toMatchObject({ status: 'declined' });
    expect(await readOrder(app, orderId)).toEqual({ status: 'pending_payment', paymentStatus: 'unpaid' });
    await pay(app, anna, orderId, { token: 'tok_ok' }).expect(201);
    expect((await paymentsOf(app, anna, orderId)).map(({ status }) => status)).toEqual(['captured', 'declined']);
    expect(await factsOf(app, orderId)).toEqual(['payment.declined', 'payment.captured']);
  });

  it('goes by the page of the provider: approved', async () => {
    const orderId = await placeOrder(app, anna);
    const { body } = await pay(app, anna, orderId, { token: 'tok_requires_action' }).expect(202);
    const { id, nextAction } = body.data;
    expect(body.data.status).toBe('requires_action');
    expect(nextAction).toEqual({ type: 'redirect', url: `${app.config.publicUrl}/test-provider/charges/${id}` });
    const page = await app.api.get(new URL(nextAction.url).pathname).expect(200);
    expect(page.text).toContain('11.90 EUR');
    expect(page.text).toContain('Approve');
    expect(page.text).not.toMatch(/<script|<style|style=/);
    expect(page.headers['content-security-policy']).toContain("default-src 'none'");
    const answer = await fetch(`${app.url}/test-provider/charges/${id}/approve`, {
      method: 'POST',
      redirect: 'manual',
    });
    expect([answer.status, answer.headers.get('location')]).toEqual([303, `/test-provider/charges/${id}`]);
    await until(
      () => readOrder(app, orderId),
      ({ status }) => status === 'confirmed',
    );
    expect(await readPayment(app, anna, id)).toMatchObject({ status: 'captured', nextAction: null });
  });

  it('goes by the page of the provider: declined, and a later approval changes nothing', async () => {
    const orderId = await placeOrder(app, anna);
    const { body } = await pay(app, anna, orderId, { token: 'tok_requires_action' }).expect(202);
    const { id } = body.data;
    for (const decision of ['decline', 'approve']) {
      await fetch(`${app.url}/test-provider/charges/${id}/${decision}`, { method: 'POST', redirect: 'manual' });
    }
    await until(
      () => readPayment(app, anna, id),
      ({ status }) => status === 'declined',
    );
    expect(await readOrder(app, orderId)).toEqual({ status: 'pending_payment', paymentStatus: 'unpaid' });
    expect(await chargesOf(app, orderId)).toEqual([{ status: 'declined', captured: 0, refunded: 0 }]);
  });

  it('knows no page for charges that are not there', async () => {
    for (const id of ['01939d3a-7c1e-7b1a-8f00-000000000001', 'nonsense', '%00']) {
      expect((await fetch(`${app.url}/test-provider/charges/${id}`)).status).toBe(404);
      expect((await fetch(`${app.url}/test-provider/charges/${id}/approve`, { method: 'POST' })).status).toBe(404);
    }
  });

  it('is processing with a slow provider, and captured when its webhook comes', async () => {
    const orderId = await placeOrder(app, anna);
    const { body } = await pay(app, anna, orderId, { token: 'tok_slow' }).expect(202);
    expect(body.data.status).toBe('processing');
    expect(await readOrder(app, orderId)).toEqual({ status: 'pending_payment', paymentStatus: 'processing' });
    await until(
      () => readPayment(app, anna, body.data.id),
      ({ status }) => status === 'captured',
    );
    expect(await readOrder(app, orderId)).toEqual({ status: 'confirmed', paymentStatus: 'paid' });
  });

  it('is processing when the provider does not answer, and confirmation finds the charge', async () => {
    const other = anotherProcess(app);
    const orderId = await placeOrder(app, anna);
    const input = { token: 'tok_timeout', capture: true };
    const { result } = await other.service.pay(
      actorOf(anna),
      orderId,
      input,
      payKey(anna, orderId, input, 'timeout-1'),
    );
    expect(result.status).toBe('processing');
    expect(await chargesOf(app, orderId)).toEqual([{ status: 'captured', captured: TOTAL.amount, refunded: 0 }]);
    const { body } = await app.api
      .post(`/api/v1/payments/${result.id}/confirmation`)
      .set(anna.auth)
      .set(key())
      .expect(200);
    expect(body.data.status).toBe('captured');
    expect(await readOrder(app, orderId)).toEqual({ status: 'confirmed', paymentStatus: 'paid' });
    await other.close();
  });

  it('takes an order that costs nothing, and gives nothing back', async () => {
    const orderId = await placeOrder(app, anna, 0);
    const { body } = await pay(app, anna, orderId, { token: 'tok_ok' }).expect(201);
    expect(body.data).toMatchObject({ status: 'captured', capturedAmount: { amount: 0 } });
    await cancelOrder(app, anna, orderId).expect(200);
    await app.dispatch();
    expect(await factsOf(app, orderId)).toEqual(['payment.captured', 'payment.refunded']);
  });

  it('refuses while another payment of the order is under way', async () => {
    const orderId = await placeOrder(app, anna);
    await pay(app, anna, orderId, { token: 'tok_requires_action' }).expect(202);
    const { body } = await pay(app, anna, orderId, { token: 'tok_ok' }).expect(409);
    expect(body.code).toBe('payment_in_progress');
    expect(await chargesOf(app, orderId)).toHaveLength(1);
  });

  it('refuses an order that is paid already', async () => {
    const orderId = await placeOrder(app, anna);
    await pay(app, anna, orderId, { token: 'tok_ok' }).expect(201);
    const { body } = await pay(app, anna, orderId, { token: 'tok_ok' }).expect(409);
    expect(body).toMatchObject({ code: 'order_status_forbidden', allowed: ['pending_payment'] });
    expect(await chargesOf(app, orderId)).toHaveLength(1);
  });

  it('does not let strangers pay, see or confirm: their answer is that of a missing one', async () => {
    const orderId = await placeOrder(app, anna);
    const { body } = await pay(app, anna, orderId, { token: 'tok_requires_action' }).expect(202);
    const { id } = body.data;
    const missing = '01939d3a-7c1e-7b1a-8f00-000000000001';
    for (const one of [orderId, missing]) {
      expect((await pay(app, bert, one, { token: 'tok_ok' }).expect(404)).body.code).toBe('order_not_found');
      expect((await app.api.get(`/api/v1/orders/${one}/payments`).set(bert.auth).expect(404)).body.code).toBe(
        'order_not_found',
      );
    }
    for (const one of [id, missing]) {
      expect((await app.api.get(`/api/v1/payments/${one}`).set(bert.auth).expect(404)).body.code).toBe(
        'payment_not_found',
      );
      const confirmation = await app.api
        .post(`/api/v1/payments/${one}/confirmation`)
        .set(bert.auth)
        .set(key())
        .expect(404);
      expect(confirmation.body.code).toBe('payment_not_found');
    }
  });

  it('is seen by staff that may read orders, but not confirmed by them', async () => {
    const support = await app.signIn({ role: 'support' });
    const orderId = await placeOrder(app, anna);
    const { body } = await pay(app, anna, orderId, { token: 'tok_ok' }).expect(201);
    expect(await readPayment(app, support, body.data.id)).toEqual(body.data);
    expect(await paymentsOf(app, support, orderId)).toEqual([body.data]);
    await app.api.post(`/api/v1/payments/${body.data.id}/confirmation`).set(support.auth).set(key()).expect(403);
  });

  it('lists page by page, newest first', async () => {
    const orderId = await placeOrder(app, anna);
    for (let i = 0; i < 3; i++) await pay(app, anna, orderId, { token: 'tok_declined' }).expect(402);
    const all = (await paymentsOf(app, anna, orderId)).map(({ id }) => id);
    const first = await app.api.get(`/api/v1/orders/${orderId}/payments?limit=2`).set(anna.auth).expect(200);
    const { nextCursor } = first.body.page;
    const second = await app.api
      .get(`/api/v1/orders/${orderId}/payments?limit=2&cursor=${nextCursor}`)
      .set(anna.auth)
      .expect(200);
    expect([...first.body.data, ...second.body.data].map(({ id }: { id: string }) => id)).toEqual(all);
    expect(all).toEqual(all.toSorted().toReversed());
    expect(second.body.page.nextCursor).toBeNull();
    const bad = await app.api.get(`/api/v1/orders/${orderId}/payments?cursor=nonsense`).set(anna.auth).expect(400);
    expect(bad.body.code).toBe('cursor_invalid');
  });
});

describe('bad input', () => {
  const bodies: [string, object | undefined, string, string][] = [
    ['no body', undefined, '/token', 'required'],
    ['a list', [], '', 'invalid_type'],
    ['no token', {}, '/token', 'required'],
    ['a number', { token: 7 }, '/token', 'invalid_type'],
    ['an empty token', { token: '' }, '/token', 'invalid_format'],
    ['a blank', { token: 'tok ok' }, '/token', 'invalid_format'],
    ['too long', { token: 'x'.repeat(201) }, '/token', 'invalid_format'],
    ['not ASCII', { token: 'tok_é' }, '/token', 'invalid_format'],
    ['NUL', { token: 'tok\0' }, '/token', 'invalid_characters'],
    ['a lone surrogate', { token: 'tok\ud800' }, '/token', 'invalid_characters'],
    ['capture as text', { token: 'tok_ok', capture: 'yes' }, '/capture', 'invalid_type'],
    ['capture null', { token: 'tok_ok', capture: null }, '/capture', 'invalid_type'],
    ['something extra', { token: 'tok_ok', amount: 1 }, '/amount', 'unknown_field'],
  ];
  it.each(bodies)('refuses a payment with %s', async (_what, body, pointer, code) => {
    const orderId = await placeOrder(app, anna);
    const request = app.api.post(`/api/v1/orders/${orderId}/payments`).set(anna.auth).set(key());
    const answer = await (body === undefined ? request : request.send(body)).expect(400);
    expect(answer.body).toMatchObject({ code: 'validation_failed', errors: [{ pointer, code }] });
    expect(await paymentsOf(app, anna, orderId)).toEqual([]);
    expect(await readOrder(app, orderId)).toEqual({ status: 'pending_payment', paymentStatus: 'unpaid' });
  });

  it('wants a token of the longest length only', async () => {
    expect((await pay(app, anna, await placeOrder(app, anna), { token: 'x'.repeat(200) })).status).toBe(402);
  });

  it.each(['/orders/X/payments', '/payments/X/confirmation', '/payments/X/void'])(
    'refuses ids that are none: %s',
    async (path) => {
      const admin = await app.signIn({ role: 'admin' });
      for (const id of ['7', 'nonsense', '6f0e8a3c-5f1b-4c0e-9a55-000000000000', '%00', '9'.repeat(300)]) {
        const request = app.api
          .post(`/api/v1${path.replace('X', id)}`)
          .set(admin.auth)
          .set(key());
        const { body } = await request.send(path.startsWith('/orders') ? { token: 'tok_ok' } : {}).expect(400);
        expect(body).toMatchObject({ code: 'validation_failed', errors: [{ pointer: '/path/id' }] });
      }
    },
  );

  it('refuses confirmation and void with something in the body, or without a key', async () => {
    const admin = await app.signIn({ role: 'admin' });
    const orderId = await placeOrder(app, admin);
    const { body } = await pay(app, admin, orderId, { token: 'tok_ok', capture: false }).expect(201);
    for (const step of ['confirmation', 'void']) {
      const path = `/api/v1/payments/${body.data.id}/${step}`;
      const extra = await app.api.post(path).set(admin.auth).set(key()).send({ amount: 1 }).expect(400);
      expect(extra.body).toMatchObject({
        code: 'validation_failed',
        errors: [{ pointer: '/amount', code: 'unknown_field' }],
      });
      expect((await app.api.post(path).set(admin.auth).expect(400)).body.code).toBe('idempotency_key_required');
    }
    expect(await readPayment(app, admin, body.data.id)).toEqual(body.data);
  });

  it('wants a caller, and one that may', async () => {
    const orderId = await placeOrder(app, anna);
    const anonymous = await app.api
      .post(`/api/v1/orders/${orderId}/payments`)
      .set(key())
      .send({ token: 'tok_ok' })
      .expect(401);
    expect(anonymous.body.code).toBe('token_required');
    const warehouse = await app.signIn({ role: 'warehouse' });
    await pay(app, warehouse, orderId, { token: 'tok_ok' }).expect(403);
  });
});
