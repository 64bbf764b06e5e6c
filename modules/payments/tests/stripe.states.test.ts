// What Stripe's payment intents, refunds and refusals mean to the port.
import { describe, expect, it } from 'vitest';
import { reasonOf, refundedUnitsOf, stateOf, stateOfRefund, type Intent } from '../providers/stripe.states.ts';

const intent = (more: Partial<Intent>): Intent => ({
  id: 'pi_1',
  status: 'processing',
  amount: 1190,
  amount_received: 0,
  currency: 'eur',
  ...more,
});
const url = 'https://hooks.stripe.example/3ds';
const charge = (status: string, capturedMinor = 0, refundedMinor = 0) => ({
  state: 'succeeded',
  charge: { status, authorizedMinor: 1190, capturedMinor, refundedMinor },
});

describe('an intent', () => {
  it.each<[string, Partial<Intent>, object | null]>([
    ['that nobody confirmed is none', { status: 'requires_payment_method' }, null],
    ['that nobody confirmed is none', { status: 'requires_confirmation', last_payment_error: null }, null],
    [
      'whose card was refused is declined',
      { status: 'requires_payment_method', last_payment_error: { code: 'expired_card' } },
      { state: 'declined', reason: 'expired_card' },
    ],
    [
      'that needs the customer sends them there',
      { status: 'requires_action', next_action: { redirect_to_url: { url } } },
      { state: 'requires_action', nextAction: { type: 'redirect', url } },
    ],
    ['without a place to send them waits', { status: 'requires_action', next_action: {} }, { state: 'processing' }],
    [
      'without a place to send them waits',
      { status: 'requires_action', next_action: { redirect_to_url: { url: null } } },
      { state: 'processing' },
    ],
    ['without a place to send them waits', { status: 'requires_action' }, { state: 'processing' }],
    ['under way is processing', { status: 'processing' }, { state: 'processing' }],
    ['in a status of the future is processing', { status: 'requires_patience' }, { state: 'processing' }],
    ['to be captured is authorised', { status: 'requires_capture' }, charge('authorized')],
    ['that was cancelled is voided', { status: 'canceled' }, charge('voided')],
    ['that succeeded is captured', { status: 'succeeded', amount_received: 1000 }, charge('captured', 1000)],
    ['of nothing is captured, not refunded', { status: 'succeeded', amount_received: 0 }, charge('captured')],
  ])('%s: %j', (_meaning, more, state) => {
    expect(stateOf(intent(more))).toEqual(state);
  });

  it.each([
    [400, 'captured'],
    [1190, 'refunded'],
  ])('of which %i went back is %s', (refunded, status) => {
    expect(stateOf(intent({ status: 'succeeded', amount_received: 1190 }), refunded)).toEqual(
      charge(status, 1190, refunded),
    );
  });

  it("speaks in our minor units, whatever Stripe's are", () => {
    const state = stateOf(intent({ status: 'succeeded', amount: 500, amount_received: 500, currency: 'isk' }), 300);
    expect(state).toMatchObject({ charge: { authorizedMinor: 5, capturedMinor: 5, refundedMinor: 3 } });
  });
});

describe('a refund', () => {
  it.each([
    ['succeeded', null],
    ['pending', { state: 'processing' }],
    ['requires_action', { state: 'processing' }],
    [null, { state: 'processing' }],
    ['failed', { state: 'declined', reason: 'refund_failed' }],
    ['canceled', { state: 'declined', reason: 'refund_canceled' }],
  ])('that is %s', (status, state) => {
    expect(stateOfRefund({ id: 're_1', amount: 1, status })).toEqual(state);
  });

  it('that failed says why, if Stripe does', () => {
    const failed = { id: 're_1', amount: 1, status: 'failed', failure_reason: 'lost_or_stolen_card' };
    expect(stateOfRefund(failed)).toEqual({ state: 'declined', reason: 'lost_or_stolen_card' });
  });

  it('counts once it has gone back for good', () => {
    const of = (status: string, amount: number) => ({ id: 're_1', status, amount });
    expect(refundedUnitsOf([of('succeeded', 5), of('pending', 70), of('failed', 600), of('succeeded', 1)])).toBe(6);
  });
});

describe('the reason of a decline', () => {
  it.each([
    [{ code: 'card_declined', decline_code: 'insufficient_funds' }, 'insufficient_funds'],
    [{ code: 'card_declined', decline_code: 'generic_decline' }, 'card_declined'],
    [{ code: 'card_declined', decline_code: 'stolen_card' }, 'card_declined'],
    [{ code: 'card_declined', decline_code: 'fraudulent' }, 'card_declined'],
    [{ code: 'expired_card', decline_code: null }, 'expired_card'],
    [{ code: 'payment_intent_authentication_failure' }, 'authentication_failed'],
    [{ code: 'resource_missing' }, 'unknown_token'],
    [{ code: 'constructor' }, 'card_declined'],
    [{ code: 'of_the_future' }, 'card_declined'],
    [{}, 'card_declined'],
  ])('%j is told as %s', (given, reason) => {
    expect(reasonOf(given)).toBe(reason);
  });
});
