// What Stripe's payment intents and refusals mean to the port: pure.
import { z } from 'zod';
import type { ProviderState } from '../provider.ts';
import { toMinor } from './stripe.currency.ts';

/** The few fields that we read; Stripe adds others with every version of its API. */
export const intentSchema = z.object({
  id: z.string().min(1).max(255),
  status: z.string(),
  amount: z.int().min(0),
  amount_received: z.int().min(0),
  currency: z.string().length(3),
  next_action: z.object({ redirect_to_url: z.object({ url: z.string().nullable() }).nullish() }).nullish(),
  last_payment_error: z.object({ code: z.string().nullish(), decline_code: z.string().nullish() }).nullish(),
});
export type Intent = z.output<typeof intentSchema>;

export const refundSchema = z.object({
  id: z.string(),
  amount: z.int().min(0),
  status: z.string().nullable(),
  failure_reason: z.string().nullish(),
  metadata: z.record(z.string(), z.string()).nullish(),
});
export type Refund = z.output<typeof refundSchema>;

/**
 * Null while nobody has confirmed the intent: then no money can have moved.
 * https://docs.stripe.com/payments/paymentintents/lifecycle
 */
export function stateOf(intent: Intent, refundedUnits = 0): ProviderState | null {
  switch (intent.status) {
    case 'requires_confirmation':
      return null;
    case 'requires_payment_method':
      return intent.last_payment_error ? { state: 'declined', reason: reasonOf(intent.last_payment_error) } : null;
    case 'requires_action':
      return actionOf(intent);
    case 'requires_capture':
      return chargeOf(intent, 'authorized', 0);
    case 'canceled':
      return chargeOf(intent, 'voided', 0);
    case 'succeeded':
      return chargeOf(intent, isAllBack(intent, refundedUnits) ? 'refunded' : 'captured', refundedUnits);
    // `processing`, and whatever may be added: not decided yet, so it is asked again.
    default:
      return { state: 'processing' };
  }
}

/** We ask for redirects only (no `use_stripe_sdk`); without one there is nothing that the customer could be sent to. */
function actionOf({ next_action: action }: Intent): ProviderState {
  const url = action?.redirect_to_url?.url;
  return url ? { state: 'requires_action', nextAction: { type: 'redirect', url } } : { state: 'processing' };
}

const isAllBack = ({ amount_received: received }: Intent, refundedUnits: number): boolean =>
  refundedUnits > 0 && refundedUnits >= received;

function chargeOf(
  { amount, amount_received: received, currency }: Intent,
  status: 'authorized' | 'captured' | 'voided' | 'refunded',
  refundedUnits: number,
): ProviderState {
  const minor = (units: number): number => toMinor(units, currency.toUpperCase());
  const charge = {
    authorizedMinor: minor(amount),
    capturedMinor: minor(received),
    refundedMinor: minor(refundedUnits),
  };
  return { state: 'succeeded', charge: { status, ...charge } };
}

/** Only what has gone back for good: a pending refund may still fail. */
export const refundedUnitsOf = (refunds: Refund[]): number =>
  refunds.filter(({ status }) => status === 'succeeded').reduce((sum, { amount }) => sum + amount, 0);

/** What became of a refund; null when it has succeeded. */
export function stateOfRefund({ status, failure_reason: reason }: Refund): ProviderState | null {
  if (status === 'succeeded') return null;
  if (status === 'failed' || status === 'canceled') return { state: 'declined', reason: reason ?? `refund_${status}` };
  return { state: 'processing' };
}

type StripeReason = { code?: string | null | undefined; decline_code?: string | null | undefined };

/** Ours, stable whatever Stripe adds. A card that is lost, stolen or suspected is just declined: no thief should learn it. */
export function reasonOf({ code, decline_code: declineCode }: StripeReason): string {
  const given = declineCode ?? code ?? '';
  return renamed.get(given) ?? (tellable.has(given) ? given : 'card_declined');
}

/** https://docs.stripe.com/declines/codes and https://docs.stripe.com/error-codes: what a customer can mend. */
const tellable: ReadonlySet<string> = new Set([
  'amount_too_large',
  'amount_too_small',
  'authentication_required',
  'card_not_supported',
  'card_velocity_exceeded',
  'currency_not_supported',
  'expired_card',
  'incorrect_cvc',
  'incorrect_number',
  'incorrect_zip',
  'insufficient_funds',
  'invalid_cvc',
  'invalid_expiry_month',
  'invalid_expiry_year',
  'processing_error',
]);

const renamed: ReadonlyMap<string, string> = new Map([
  ['payment_intent_authentication_failure', 'authentication_failed'],
  // The only thing that we name without knowing it is the customer's token.
  ['resource_missing', 'unknown_token'],
  ['payment_method_not_available', 'card_not_supported'],
  ['payment_intent_invalid_parameter', 'card_not_supported'],
]);
