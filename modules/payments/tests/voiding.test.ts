// Finance voids an authorisation: once, from authorised only, and also when the provider does not answer.
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { key, startTestApp, type Person, type TestApp } from '../../../tests/support/app.ts';
import { chargesOf, factsOf, passTime, pay, placeOrder, readOrder, readPayment, TOTAL } from './story.ts';

let app: TestApp;
let anna: Person;
let finance: Person;

beforeAll(async () => {
  app = await startTestApp();
  [anna, finance] = await Promise.all([app.signIn(), app.signIn({ role: 'finance' })]);
});
afterEach(() => {
  vi.restoreAllMocks();
});
afterAll(() => app.close());

const voidPayment = (paymentId: string, header = key(), person = finance) =>
  app.api.post(`/api/v1/payments/${paymentId}/void`).set(person.auth).set(header);

async function authorized(token = 'tok_ok', capture = false): Promise<{ orderId: string; paymentId: string }> {
  const orderId = await placeOrder(app, anna);
  const { body } = await pay(app, anna, orderId, { token, capture });
  return { orderId, paymentId: String(body.data?.id ?? body.paymentId) };
}

describe('voiding', () => {
  it('lets the authorisation go', async () => {
    const { orderId, paymentId } = await authorized();
    const { body } = await voidPayment(paymentId).expect(200);
    expect(body.data).toMatchObject({ id: paymentId, status: 'voided' });
    expect(await chargesOf(app, orderId)).toEqual([{ status: 'voided', captured: 0, refunded: 0 }]);
    expect((await readOrder(app, orderId)).paymentStatus).toBe('voided');
    expect(await factsOf(app, orderId)).toEqual(['payment.authorized', 'payment.voided']);
  });

  it('answers the same key the same', async () => {
    const { paymentId } = await authorized();
    const same = key();
    const twins = await Promise.all([
      voidPayment(paymentId, same).expect(200),
      voidPayment(paymentId, same).expect(200),
    ]);
    const again = await voidPayment(paymentId, same).send({}).expect(200);
    expect(twins.map(({ body }) => body)).toEqual([again.body, again.body]);
    expect(again.headers['idempotency-replayed']).toBe('true');
  });

  it.each([
    ['tok_ok', true, 'captured'],
    ['tok_requires_action', false, 'requires_action'],
    ['tok_declined', false, 'declined'],
  ])('is refused otherwise: %s, capture %s', async (token, capture, status) => {
    const { paymentId } = await authorized(token, capture);
    const { body } = await voidPayment(paymentId).expect(409);
    expect(body).toMatchObject({ code: 'payment_status_forbidden', allowed: ['authorized'] });
    expect((await readPayment(app, anna, paymentId)).status).toBe(status);
  });

  it('is refused the second time', async () => {
    const { paymentId } = await authorized();
    await voidPayment(paymentId).expect(200);
    expect((await voidPayment(paymentId).expect(409)).body.code).toBe('payment_status_forbidden');
  });

  it('is for staff that may', async () => {
    const { paymentId } = await authorized();
    await voidPayment(paymentId, key(), anna).expect(403);
    await voidPayment(paymentId, key(), await app.signIn({ role: 'support' })).expect(403);
    expect((await voidPayment('01939d3a-7c1e-7b1a-8f00-000000000001').expect(404)).body.code).toBe('payment_not_found');
  });
});

describe('when the provider does not answer', () => {
  it('the same key goes on with it', async () => {
    const { orderId, paymentId } = await authorized();
    const same = key();
    vi.spyOn(app.modules.payments.provider, 'void').mockRejectedValueOnce(new Error('no line'));
    const { body, headers } = await voidPayment(paymentId, same).expect(503);
    expect([body.code, headers['retry-after']]).toEqual(['provider_unavailable', '5']);
    expect((await readPayment(app, anna, paymentId)).status).toBe('authorized');
    expect((await voidPayment(paymentId, same).expect(200)).body.data.status).toBe('voided');
    expect(await factsOf(app, orderId)).toEqual(['payment.authorized', 'payment.voided']);
  });

  it('the job goes on with it', async () => {
    const { paymentId } = await authorized();
    const same = key();
    vi.spyOn(app.modules.payments.provider, 'void').mockRejectedValueOnce(new Error('no line'));
    await voidPayment(paymentId, same).expect(503);
    await passTime(app, paymentId, 60);
    await app.runJob('payments.reconcile');
    expect((await readPayment(app, anna, paymentId)).status).toBe('voided');
    expect((await voidPayment(paymentId, same).expect(200)).body.data.status).toBe('voided');
  });

  it('what was captured meanwhile stays captured: nobody asked for a refund', async () => {
    const { orderId, paymentId } = await authorized();
    const { provider } = app.modules.payments;
    await provider.capture(paymentId, TOTAL);
    const { body } = await voidPayment(paymentId).expect(409);
    expect(body.code).toBe('payment_status_forbidden');
    await passTime(app, paymentId, 60);
    await app.runJob('payments.reconcile');
    expect(await chargesOf(app, orderId)).toEqual([{ status: 'captured', captured: TOTAL.amount, refunded: 0 }]);
    expect(await readOrder(app, orderId)).toEqual({ status: 'confirmed', paymentStatus: 'paid' });
  });
});
