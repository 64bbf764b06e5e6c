// Stripe on its bad days: whatever is lost is found again, nothing is done twice, and nothing secret is told.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { newId } from '../../../shared/domain/ids.ts';
import { createLogger } from '../../../shared/logging/logger.ts';
import { STRIPE_KEY, STRIPE_WEBHOOK_SECRET, type StripeServer } from '../../../tests/support/stripe-server.ts';
import { PatientProvider, type ProviderState } from '../provider.ts';
import { stripeWorld } from './provider-worlds.ts';

let world: Awaited<ReturnType<typeof stripeWorld>>;
let server: StripeServer;
let logged: string;
let patient: PatientProvider;

beforeAll(async () => {
  world = await stripeWorld();
  ({ server } = world);
});
beforeEach(() => {
  logged = '';
  server.asked.length = 0;
  server.refundsBecome = 'succeeded';
  patient = patientFor(20_000);
});
afterAll(() => world.close());

function patientFor(timeoutMs: number): PatientProvider {
  const write = (line: string): void => void (logged += line);
  return new PatientProvider(world.provider, {
    timeoutMs,
    logger: createLogger({ level: 'trace', isPretty: false }, { write }),
  });
}

const TOKEN = 'pm_card_visa';
const amount = { amount: 1000, currency: 'EUR' };

const authorize = (paymentId: string, more = {}): Promise<ProviderState> =>
  patient.authorize({ paymentId, amount, token: TOKEN, capture: true, ...more });

async function opened(more = {}): Promise<string> {
  const paymentId = newId();
  await authorize(paymentId, more);
  return paymentId;
}

const captured = (refundedMinor = 0) => ({
  state: 'succeeded',
  charge: { status: 'captured', authorizedMinor: 1000, capturedMinor: 1000, refundedMinor },
});
const askedFor = (path: RegExp) => server.asked.filter((one) => path.test(`${one.method} ${one.path}`));

describe('what is asked of Stripe', () => {
  it('is an intent with our id, confirmed with the token; each step has its own key', async () => {
    const paymentId = await opened({ capture: false });
    const [create, confirm] = server.asked;
    expect(Object.fromEntries(create?.params ?? [])).toEqual({
      amount: '1000',
      currency: 'eur',
      capture_method: 'manual',
      'allowed_payment_method_types[0]': 'card',
      'metadata[paymentId]': paymentId,
    });
    expect(Object.fromEntries(confirm?.params ?? [])).toEqual({
      payment_method: TOKEN,
      return_url: `https://shop.example/?paymentId=${paymentId}`,
    });
    expect([create?.key, confirm?.key]).toEqual([paymentId, `${paymentId}:confirm`]);
    await patient.capture(paymentId, amount);
    const refundId = newId();
    await patient.refund({ refundId, paymentId, amount });
    const keys = askedFor(/^POST/).map(({ key }) => key);
    expect(new Set(keys).size).toBe(4);
    expect(keys.at(-1)).toBe(refundId);
  });

  it.each([
    [{ amount: 5, currency: 'ISK' }, '500'],
    [{ amount: 15_000, currency: 'MGA' }, '150'],
    [{ amount: 5100, currency: 'KWD' }, '5100'],
  ])('is counted as Stripe counts: %j', async (money, units) => {
    const paymentId = newId();
    const state = await authorize(paymentId, { amount: money });
    expect(state).toMatchObject({ charge: { capturedMinor: money.amount } });
    expect(server.asked[0]?.params.get('amount')).toBe(units);
    const part = { amount: money.amount * 0.4, currency: money.currency };
    const back = await patient.refund({ refundId: newId(), paymentId, amount: part });
    expect(back).toMatchObject({ charge: { refundedMinor: part.amount } });
  });

  it.each([
    [{ amount: 5124, currency: 'KWD' }, 'amount_not_representable'],
    [{ amount: 150, currency: 'MGA' }, 'amount_not_representable'],
    [{ amount: 5000, currency: 'IQD' }, 'currency_not_supported'],
    [{ amount: 49, currency: 'EUR' }, 'amount_too_small'],
  ])('is refused when it cannot be charged: %j', async (money, reason) => {
    const paymentId = newId();
    expect(await authorize(paymentId, { amount: money })).toEqual({ state: 'declined', reason });
    expect(await patient.fetch(paymentId)).toBeNull();
    const other = await opened();
    server.asked.length = 0;
    if (money.currency === 'EUR') return;
    expect(await patient.capture(other, money)).toEqual({ state: 'declined', reason });
    expect(await patient.refund({ refundId: newId(), paymentId: other, amount: money })).toMatchObject({ reason });
    expect(server.asked).toEqual([]);
  });

  it.each([
    ['pm_card_visa_chargeDeclinedInsufficientFunds', 'insufficient_funds'],
    ['pm_card_chargeDeclinedExpiredCard', 'expired_card'],
    ['pm_card_visa_chargeDeclinedLostCard', 'card_declined'],
  ])('%s is declined: %s', async (token, reason) => {
    expect(await authorize(newId(), { token })).toEqual({ state: 'declined', reason });
  });
});

describe('a call that fails', () => {
  const failures = [409, 429, 500, 502, 503, 401, 403, 'resets_after'] as const;
  const steps = ['POST /v1/payment_intents$', 'confirm'];

  it.each(failures.flatMap((failure) => steps.map((step) => [failure, step] as const)))(
    '%s at %s is unknown; the same id goes on, and charges once',
    async (failure, step) => {
      server.failNext(new RegExp(step), failure);
      const paymentId = newId();
      expect(await authorize(paymentId)).toEqual({ state: 'unknown', reason: 'call_failed' });
      const wasCharged = step === 'confirm' && typeof failure === 'string';
      expect(await patient.fetch(paymentId)).toEqual(wasCharged ? captured() : null);
      expect(await authorize(paymentId)).toEqual(captured());
      expect(await world.countCharges(paymentId)).toBe(1);
    },
  );

  it('of reading is never "never heard of", not even with the key of another account', async () => {
    const paymentId = await opened();
    server.failNext(/^GET/, 500);
    expect(await patient.fetch(paymentId)).toEqual({ state: 'unknown', reason: 'call_failed' });
    server.intents.delete(server.intentFor(paymentId).id);
    expect(await patient.fetch(paymentId)).toEqual({ state: 'unknown', reason: 'call_failed' });
  });

  it('is not asked again by the package: that is for the job', async () => {
    server.failNext(/confirm/, 500);
    await opened();
    expect(askedFor(/confirm/)).toHaveLength(1);
  });

  it('does not charge any more when it was given up between two steps', async () => {
    server.failNext(/^POST \/v1\/payment_intents$/, 'hangs_after');
    patient = patientFor(500);
    const paymentId = newId();
    expect(await authorize(paymentId)).toEqual({ state: 'unknown', reason: 'timed_out' });
    expect(askedFor(/confirm/)).toEqual([]);
    expect(await world.countCharges(paymentId)).toBe(0);
  });
});

describe('a key that Stripe has forgotten', () => {
  it('does not matter to a charge: it was written down before it was made', async () => {
    server.failNext(/confirm/, 'resets_after');
    const paymentId = await opened();
    server.forgetKeys();
    expect(await patient.fetch(paymentId)).toEqual(captured());
    expect(await authorize(paymentId)).toEqual(captured());
    expect(await world.countCharges(paymentId)).toBe(1);
  });

  it('does not give money back twice', async () => {
    const paymentId = await opened();
    const refund = { refundId: newId(), paymentId, amount: { amount: 400, currency: 'EUR' } };
    server.failNext(/^POST \/v1\/refunds/, 'resets_after');
    expect(await patient.refund(refund)).toEqual({ state: 'unknown', reason: 'call_failed' });
    server.forgetKeys();
    expect(await patient.refund(refund)).toEqual(captured(400));
    expect(askedFor(/^POST \/v1\/refunds/)).toHaveLength(1);
  });
});

it('voids what could not be voided a moment ago: a refusal is not kept under a key', async () => {
  const paymentId = await opened({ token: 'pm_slow_to_settle', capture: false });
  expect(await patient.void(paymentId)).toEqual({ state: 'declined', reason: 'charge_is_processing' });
  await world.decide(paymentId, 'approve');
  expect(await patient.void(paymentId)).toMatchObject({ charge: { status: 'voided' } });
});

describe('a refund that takes days', () => {
  const started = async () => {
    server.refundsBecome = 'pending';
    const paymentId = await opened();
    const refund = { refundId: newId(), paymentId, amount: { amount: 400, currency: 'EUR' } };
    expect(await patient.refund(refund)).toEqual({ state: 'processing' });
    expect(await patient.fetch(paymentId)).toEqual(captured(0));
    return refund;
  };

  it('counts when it has succeeded', async () => {
    const refund = await started();
    expect(await patient.refund(refund)).toEqual({ state: 'processing' });
    server.settleRefund(refund.refundId, 'succeeded');
    expect(await patient.refund(refund)).toEqual(captured(400));
  });

  it('is told when it has failed, and counts for nothing', async () => {
    const refund = await started();
    server.settleRefund(refund.refundId, 'failed');
    expect(await patient.refund(refund)).toEqual({ state: 'declined', reason: 'expired_or_canceled_card' });
    expect(await patient.fetch(refund.paymentId)).toEqual(captured(0));
  });

  it('is found among more than a page of them', async () => {
    const paymentId = await opened();
    const cent = { amount: 1, currency: 'EUR' };
    const first = { refundId: newId(), paymentId, amount: cent };
    await patient.refund(first);
    const intentId = server.intentFor(paymentId).id;
    for (let i = 0; i < 120; i++) {
      const id = `re_of_${paymentId}_${i}`;
      server.refunds.set(id, {
        id,
        object: 'refund',
        amount: 1,
        payment_intent: intentId,
        status: 'succeeded',
        metadata: {},
      });
    }
    server.forgetKeys();
    expect(await patient.refund(first)).toEqual(captured(121));
  });
});

describe('an event', () => {
  const heard = (type: string, object: object) => {
    const { body, signature } = server.signedEvent(type, object);
    return patient.readEvent(Buffer.from(body), { 'stripe-signature': signature });
  };

  it.each(['charge.refunded', 'refund.updated', 'refund.failed'])('%s asks what is left of the money', async (type) => {
    const paymentId = await opened();
    await patient.refund({ refundId: newId(), paymentId, amount: { amount: 400, currency: 'EUR' } });
    const object = { object: type.split('.')[0], payment_intent: server.intentFor(paymentId).id };
    expect(await heard(type, object)).toEqual({ id: expect.any(String), paymentId, state: captured(400) });
    server.failNext(/^GET/, 500);
    await expect(heard(type, object)).rejects.toMatchObject({ kind: 'unavailable', code: 'provider_unavailable' });
  });

  it('of another kind is let be', async () => {
    const intent = server.intentFor(await opened());
    for (const type of ['payment_intent.created', 'charge.succeeded', 'customer.created', 'payout.paid'])
      expect(await heard(type, intent)).toBeNull();
  });

  it('about an intent that we did not make is let be, even with our id in its metadata', async () => {
    const intent = server.intentFor(await opened());
    expect(await heard('payment_intent.succeeded', { ...intent, id: 'pi_of_somebody_else' })).toBeNull();
    expect(await heard('charge.refunded', { object: 'charge', payment_intent: null })).toBeNull();
  });

  it('that is signed, but no event, is refused as such', async () => {
    const paymentId = await opened();
    const intent = { ...server.intentFor(paymentId), amount: 'a lot' };
    await expect(heard('payment_intent.succeeded', intent)).rejects.toMatchObject({ code: 'validation_failed' });
  });
});

it('tells nothing secret, whatever goes wrong', async () => {
  const told: unknown[] = [];
  const tell = async (call: Promise<unknown>): Promise<void> => {
    told.push(await call.catch((error: unknown) => [String(error), JSON.stringify(error), error]));
  };
  for (const failure of [401, 403, 409, 429, 500, 503, 'resets_after'] as const) {
    for (const step of [/^POST \/v1\/payment_intents$/, /confirm/]) {
      server.failNext(step, failure);
      await tell(authorize(newId()));
    }
  }
  await tell(authorize(newId(), { token: 'pm_card_visa_chargeDeclined' }));
  await tell(authorize(newId(), { token: 'tok_canary' }));
  const paymentId = await opened();
  await tell(authorize(paymentId, { amount: { amount: 1, currency: 'EUR' } }));
  await tell(patient.void(paymentId));
  const { body, signature } = server.signedEvent('payment_intent.succeeded', server.intentFor(paymentId));
  await tell(patient.readEvent(Buffer.from(`${body} `), { 'stripe-signature': signature }));
  const everything = logged + JSON.stringify(told);
  expect(logged).toContain('stripe: StripeRateLimitError, 429, rate_limit, req_test');
  for (const canary of [
    STRIPE_KEY,
    STRIPE_WEBHOOK_SECRET,
    'secret_canary',
    TOKEN,
    'tok_canary',
    'client_secret',
    signature,
  ])
    expect(everything).not.toContain(canary);
});
