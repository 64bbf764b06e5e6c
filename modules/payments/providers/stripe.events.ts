// Stripe's events: which of them are about payments, and whether they say enough.
import type { IncomingHttpHeaders } from 'node:http';
import { z } from 'zod';
import { malformed } from '../../../shared/errors/app-error.ts';
import { parse, validationFailed } from '../../../shared/http/parse.ts';
import type { StripeApi } from './stripe.api.ts';
import { intentSchema, type Intent } from './stripe.states.ts';

/** They carry the whole intent. */
const intentEvents: ReadonlySet<string> = new Set([
  'payment_intent.succeeded',
  'payment_intent.amount_capturable_updated',
  'payment_intent.payment_failed',
  'payment_intent.canceled',
  'payment_intent.processing',
  'payment_intent.requires_action',
]);

/** They tell of one refund or one charge; what is left of the money is asked for. */
const refundEvents: ReadonlySet<string> = new Set(['charge.refunded', 'refund.updated', 'refund.failed']);

const eventSchema = z.object({
  id: z.string().min(1).max(255),
  type: z.string(),
  data: z.object({ object: z.unknown() }),
});
const refundedSchema = z.object({ payment_intent: z.string().max(255).nullish() });

/** `intent` null: to be asked for. */
export type StripeEvent = { id: string; intentId: string; intent: Intent | null };

/** Null when it is not about payment intents. @throws malformed `signature_invalid`, `validation_failed` */
export async function readEvent(
  api: StripeApi,
  rawBody: Buffer,
  headers: IncomingHttpHeaders,
): Promise<StripeEvent | null> {
  const { id, type, data } = parse(eventSchema, await readSigned(api, rawBody, headers), 'body');
  if (intentEvents.has(type)) {
    const intent = parse(intentSchema, data.object, 'body');
    return { id, intentId: intent.id, intent };
  }
  if (!refundEvents.has(type)) return null;
  const { payment_intent: intentId } = parse(refundedSchema, data.object, 'body');
  return intentId ? { id, intentId, intent: null } : null;
}

async function readSigned(api: StripeApi, rawBody: Buffer, headers: IncomingHttpHeaders): Promise<unknown> {
  const header = headers['stripe-signature'];
  try {
    return await api.readEvent(rawBody, typeof header === 'string' ? header : '');
  } catch (error) {
    if (error instanceof SyntaxError)
      throw validationFailed([{ pointer: '', code: 'invalid_json', message: 'The event is not valid JSON.' }]);
    // Whatever the package objects to; its errors carry the body.
    throw malformed('signature_invalid', 'The signature is missing, wrong or too old.');
  }
}
