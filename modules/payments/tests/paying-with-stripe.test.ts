// A shop that takes money through Stripe, told over HTTP on both sides.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Test } from 'supertest';
import { key, startTestApp, type Person, type TestApp } from '../../../tests/support/app.ts';
import {
  STRIPE_KEY,
  STRIPE_WEBHOOK_SECRET,
  StripeServer,
  type StripeIntent,
} from '../../../tests/support/stripe-server.ts';
import { cancelOrder, factsOf, passTime, pay, paymentsOf, placeOrder, readOrder, readPayment, TOTAL } from './story.ts';

let app: TestApp;
let anna: Person;
let stripe: StripeServer;
let orderId: string;

beforeAll(async () => {
  stripe = await new StripeServer().start();
  const config = {
    paymentProvider: 'stripe',
    stripeSecretKey: STRIPE_KEY,
    stripeWebhookSecret: STRIPE_WEBHOOK_SECRET,
    stripeApiUrl: stripe.url,
  } as const;
  app = await startTestApp({ config });
  anna = await app.signIn();
});
beforeEach(async () => {
  orderId = await placeOrder(app, anna);
});
afterAll(async () => {
  await app.close();
  await stripe.stop();
});

const CARD = { token: 'pm_card_visa' };

const tell = (type: string, object: object, more = {}): Test => {
  const { body, signature } = stripe.signedEvent(type, object, more);
  return app.api
    .post('/api/v1/payments/webhooks/stripe')
    .set('Content-Type', 'application/json')
    .set('Stripe-Signature', signature)
    .send(body);
};

const intentOf = async (): Promise<StripeIntent> => {
  const [payment] = await paymentsOf(app, anna, orderId);
  return stripe.intentFor(payment?.id ?? '');
};

describe('with Stripe', () => {
  it('an order is paid at once', async () => {
    const { body } = await pay(app, anna, orderId, CARD).expect(201);
    expect(body.data).toMatchObject({ provider: 'stripe', status: 'captured', capturedAmount: TOTAL });
    expect(await readOrder(app, orderId)).toEqual({ status: 'confirmed', paymentStatus: 'paid' });
    expect(await intentOf()).toMatchObject({ amount: TOTAL.amount, currency: 'eur', status: 'succeeded' });
  });

  it('an order is confirmed by an authorisation, which staff may void', async () => {
    const { body } = await pay(app, anna, orderId, { ...CARD, capture: false }).expect(201);
    expect(body.data).toMatchObject({ status: 'authorized', capturedAmount: { amount: 0 } });
    const { auth } = await app.signIn({ role: 'admin' });
    await app.api.post(`/api/v1/payments/${body.data.id}/void`).set(auth).set(key()).send({}).expect(200);
    expect(await intentOf()).toMatchObject({ status: 'canceled' });
  });

  it('a declined card leaves the order, and another card pays it', async () => {
    const declined = await pay(app, anna, orderId, { token: 'pm_card_visa_chargeDeclinedInsufficientFunds' }).expect(
      402,
    );
    expect(declined.body).toMatchObject({ code: 'payment_declined', reason: 'insufficient_funds' });
    await pay(app, anna, orderId, CARD).expect(201);
    expect(await readOrder(app, orderId)).toEqual({ status: 'confirmed', paymentStatus: 'paid' });
  });

  it('a price that Stripe cannot charge is declined with a reason', async () => {
    const { sku } = await app.sellable({ amount: 5124, currency: 'KWD', taxRateBps: 0 });
    const order = { lines: [{ sku, quantity: 1 }] };
    const { body } = await app.api.post('/api/v1/orders').set(anna.auth).set(key()).send(order).expect(201);
    const refused = await pay(app, anna, String(body.data.id), CARD).expect(402);
    expect(refused.body).toMatchObject({ code: 'payment_declined', reason: 'amount_not_representable' });
  });

  it('the customer approves at the bank, and Stripe tells; again, and out of order, without harm', async () => {
    const { body } = await pay(app, anna, orderId, { token: 'pm_card_authenticationRequired' }).expect(202);
    const waiting = structuredClone(await intentOf());
    expect(body.data).toMatchObject({
      status: 'requires_action',
      nextAction: { type: 'redirect', url: `https://hooks.stripe.example/3ds/${waiting.id}` },
    });
    stripe.decide(waiting.id, 'approve');
    const approved = await intentOf();
    await tell('payment_intent.succeeded', approved, { id: 'evt_approved' }).expect(204);
    await tell('payment_intent.succeeded', approved, { id: 'evt_approved' }).expect(204);
    await tell('payment_intent.requires_action', waiting).expect(204);
    expect((await readPayment(app, anna, body.data.id)).status).toBe('captured');
    expect(await readOrder(app, orderId)).toEqual({ status: 'confirmed', paymentStatus: 'paid' });
    expect(await factsOf(app, orderId)).toEqual(['payment.captured']);
  });

  it('the customer approves at the bank and comes back before Stripe tells', async () => {
    const { body } = await pay(app, anna, orderId, { token: 'pm_card_authenticationRequired' }).expect(202);
    stripe.decide((await intentOf()).id, 'approve');
    const confirmation = app.api.post(`/api/v1/payments/${body.data.id}/confirmation`).set(anna.auth).set(key());
    expect((await confirmation.send({}).expect(200)).body.data.status).toBe('captured');
  });

  it('a charge whose answer was lost is found by the job', async () => {
    stripe.failNext(/confirm/, 'resets_after');
    const { body } = await pay(app, anna, orderId, CARD).expect(202);
    expect(body.data.status).toBe('processing');
    await passTime(app, body.data.id, 16);
    await app.runJob('payments.reconcile');
    expect((await readPayment(app, anna, body.data.id)).status).toBe('captured');
    expect(stripe.intents.size).toBeGreaterThan(0);
  });

  it('what never reached Stripe is given up; money that comes after all goes back', async () => {
    stripe.failNext(/confirm/, 500);
    const { body } = await pay(app, anna, orderId, CARD).expect(202);
    await passTime(app, body.data.id, 150);
    await app.runJob('payments.reconcile');
    expect((await readPayment(app, anna, body.data.id)).status).toBe('declined');
    const late = stripe.intentFor(body.data.id);
    stripe.decide(late.id, 'approve');
    await tell('payment_intent.succeeded', late).expect(204);
    await app.dispatch();
    expect(await factsOf(app, orderId)).toEqual(['payment.declined', 'payment.orphaned', 'payment.refunded']);
    const [refund] = [...stripe.refunds.values()].filter((one) => one.payment_intent === late.id);
    expect(refund).toMatchObject({ amount: TOTAL.amount, status: 'succeeded' });
  });

  it('a cancelled order gets its money back, and the event of it is no news', async () => {
    const { body } = await pay(app, anna, orderId, CARD).expect(201);
    await cancelOrder(app, anna, orderId).expect(200);
    await app.dispatch();
    expect((await readPayment(app, anna, body.data.id)).refundedAmount).toEqual(TOTAL);
    const { id } = await intentOf();
    await tell('charge.refunded', { object: 'charge', payment_intent: id }).expect(204);
    expect(await factsOf(app, orderId)).toEqual(['payment.captured', 'payment.refunded']);
  });

  it('staff give a part back; one that takes days is pending until Stripe tells', async () => {
    await pay(app, anna, orderId, CARD).expect(201);
    const { auth } = await app.signIn({ role: 'admin' });
    const giveBack = (amount: number) => {
      const wish = { amount: { amount, currency: 'EUR' }, reason: 'A dent.' };
      return app.api.post(`/api/v1/orders/${orderId}/refunds`).set(auth).set(key()).send(wish);
    };
    expect((await giveBack(400).expect(201)).body.data.status).toBe('succeeded');
    stripe.refundsBecome = 'pending';
    const { body } = await giveBack(100).expect(202);
    stripe.refundsBecome = 'succeeded';
    const refund = stripe.settleRefund(body.data.id, 'succeeded');
    await app.sql(`UPDATE payments.refunds SET check_at = now() WHERE status = 'pending'`);
    await app.runJob('payments.reconcile');
    await tell('refund.updated', refund).expect(204);
    const [payment] = await paymentsOf(app, anna, orderId);
    expect(payment?.refundedAmount).toEqual({ amount: 500, currency: 'EUR' });
    expect((await readOrder(app, orderId)).paymentStatus).toBe('partially_refunded');
    expect([...stripe.refunds.values()].filter((one) => one.payment_intent === refund.payment_intent)).toHaveLength(2);
    await giveBack(691).expect(422);
  });

  it("money that was given back in Stripe's dashboard is heard of", async () => {
    const { body } = await pay(app, anna, orderId, CARD).expect(201);
    const { id } = await intentOf();
    stripe.refunds.set('re_by_hand', {
      id: 're_by_hand',
      object: 'refund',
      amount: TOTAL.amount,
      payment_intent: id,
      status: 'succeeded',
      metadata: {},
    });
    stripe.failNext(/^GET/, 500);
    const event = { object: 'charge', payment_intent: id };
    const unheard = await tell('charge.refunded', event, { id: 'evt_by_hand' }).expect(503);
    expect(unheard.body.code).toBe('provider_unavailable');
    await tell('charge.refunded', event, { id: 'evt_by_hand' }).expect(204);
    expect((await readPayment(app, anna, body.data.id)).refundedAmount).toEqual(TOTAL);
  });

  it('events of others are let be; unsigned ones, and those of the test provider, are refused', async () => {
    await tell('payment_intent.succeeded', { ...someIntent, id: 'pi_of_another_shop' }).expect(204);
    await tell('customer.created', { id: 'cus_1' }).expect(204);
    await tell('payment_intent.succeeded', someIntent, { secret: 'whsec_0f_s0mebody_else' }).expect(400);
    const post = app.api.post('/api/v1/payments/webhooks/test').set('Content-Type', 'application/json');
    expect((await post.send('{}').expect(404)).body.code).toBe('provider_unknown');
    await app.api.get('/test-provider/charges/0198c0de-0000-7000-8000-000000000000').expect(404);
  });
});

const someIntent = { status: 'succeeded', amount: 1, amount_received: 1, currency: 'eur' };
