// What may come in to payments, and what each operation answers.
import { z } from 'zod';
import type { Operation } from '../../shared/http/route.ts';
import { idParams, noBody, pageQuery } from '../../shared/http/schemas.ts';
import { paymentSchema } from './payment.view.ts';

const payment = z
  .strictObject({
    token: z
      .string()
      .regex(/^[\x21-\x7e]{1,200}$/, { error: '1 to 200 visible ASCII characters.' })
      .meta({
        description: "The provider's token of a card or account; never a card number",
        minLength: 1,
        maxLength: 200,
      }),
    capture: z.boolean().default(true).meta({ description: 'false only authorises; the money is captured later' }),
  })
  .meta({ examples: [{ token: 'tok_ok', capture: true }] });
export type PaymentInput = z.output<typeof payment>;

const nothing = noBody.meta({ examples: [{}] });

export const createPayment = {
  operationId: 'createPayment',
  priority: 'slow',
  summary: 'Pay an order',
  description:
    '201: the order is confirmed. 202: follow `nextAction.url`, or ask again later. When the order expires or is cancelled while it is being paid, the answer is 409 `order_status_forbidden` with `paymentId`: the money goes back by itself, and that payment shows it (voided, or refundedAmount).',
  params: idParams,
  body: payment,
  idempotent: true,
  answers: { 201: paymentSchema, 202: paymentSchema },
  problems: {
    402: ['payment_declined'],
    404: ['order_not_found'],
    409: ['payment_in_progress', 'order_status_forbidden'],
  },
} satisfies Operation;

export const listPayments = {
  operationId: 'listPayments',
  summary: 'List the payments of an order, newest first',
  params: idParams,
  query: z.strictObject(pageQuery),
  answers: { 200: [paymentSchema] },
  problems: { 400: ['cursor_invalid'], 404: ['order_not_found'] },
} satisfies Operation;

export const getPayment = {
  operationId: 'getPayment',
  summary: 'Read a payment',
  params: idParams,
  answers: { 200: paymentSchema },
  problems: { 404: ['payment_not_found'] },
} satisfies Operation;

export const confirmPayment = {
  operationId: 'confirmPayment',
  priority: 'slow',
  summary: 'Ask the provider now how the payment stands',
  description: 'For the customer who comes back from `nextAction.url`.',
  params: idParams,
  body: nothing,
  idempotent: true,
  answers: { 200: paymentSchema },
  problems: { 404: ['payment_not_found'] },
} satisfies Operation;

export const capturePayment = {
  operationId: 'capturePayment',
  priority: 'slow',
  summary: 'Capture an authorised payment',
  description:
    'The whole amount. An order that was sent is captured by itself. 503: not confirmed yet; it is tried again in the background.',
  params: idParams,
  body: nothing,
  idempotent: true,
  answers: { 200: paymentSchema },
  problems: { 404: ['payment_not_found'], 409: ['payment_status_forbidden'], 503: ['provider_unavailable'] },
} satisfies Operation;

export const voidPayment = {
  operationId: 'voidPayment',
  priority: 'slow',
  summary: 'Void an authorised payment',
  params: idParams,
  body: nothing,
  idempotent: true,
  answers: { 200: paymentSchema },
  problems: { 404: ['payment_not_found'], 409: ['payment_status_forbidden'], 503: ['provider_unavailable'] },
} satisfies Operation;

export const receiveEvent = {
  operationId: 'receivePaymentEvent',
  priority: 'vital',
  summary: 'Hear an event of the payment provider',
  description:
    'For providers only. Signed; repeated and overtaken events do no harm, nor do those about payments of others.',
  params: z.strictObject({
    provider: z
      .string()
      .min(1)
      .max(64)
      .meta({ description: 'Which provider: as configured', examples: ['test'] }),
  }),
  rawBody: true,
  answers: { 204: null },
  problems: { 400: ['signature_invalid'], 404: ['provider_unknown'], 503: ['provider_unavailable'] },
} satisfies Operation;
