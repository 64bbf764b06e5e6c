// What may come in to refunds, and what each operation answers.
import { z } from 'zod';
import type { Operation } from '../../shared/http/route.ts';
import { validationFailed } from '../../shared/http/parse.ts';
import { currency, id, idParams, pageQuery, text } from '../../shared/http/schemas.ts';
import { refundSchema } from './refund.view.ts';

const refund = z
  .strictObject({
    amount: z
      .strictObject({ amount: z.int().min(1), currency })
      .optional()
      .meta({ description: 'Neither amount nor lines: all that is left' }),
    lines: z
      .array(z.strictObject({ lineId: id, quantity: z.int().min(1).max(10_000) }))
      .min(1)
      .max(50)
      .optional()
      .meta({ description: 'Instead of an amount: their share of what was paid, tax included' }),
    reason: text(500),
    restock: z
      .boolean()
      .optional()
      .meta({ description: 'true: what was sent of these lines has come back, and is on hand again' }),
  })
  .meta({
    id: 'RefundRequest',
    examples: [{ reason: 'Arrived broken' }, { amount: { amount: 500, currency: 'EUR' }, reason: 'Late by a week' }],
    not: { required: ['amount', 'lines'] },
    dependentRequired: { restock: ['lines'] },
  });
export type RefundInput = z.output<typeof refund>;

/** What no field can say by itself. @throws malformed `validation_failed` */
export function requireOneWay({ amount, lines, restock }: RefundInput): void {
  if (amount !== undefined && lines !== undefined)
    throw validationFailed([{ pointer: '/lines', code: 'amount_and_lines', message: 'Either an amount or lines.' }]);
  if (restock !== undefined && lines === undefined) {
    const message = 'Only what is named by lines can be put back.';
    throw validationFailed([{ pointer: '/restock', code: 'lines_required', message }]);
  }
}

export const createRefund = {
  operationId: 'createRefund',
  priority: 'vital',
  summary: 'Refund an order: an amount, some of its lines, or all that is left',
  description:
    '201: the money is on its way back. 202: the provider has not decided; it is asked again in the background. What the order has sent stays sent: a refund changes no fulfillment, and unsent lines stay reserved.',
  params: idParams,
  body: refund,
  idempotent: true,
  answers: { 201: refundSchema, 202: refundSchema },
  problems: {
    400: ['duplicate_line'],
    404: ['order_not_found'],
    409: ['payment_status_forbidden'],
    422: [
      'refund_exceeds_captured',
      'refund_exceeds_ordered',
      'restock_exceeds_shipped',
      'unknown_line',
      'currency_mismatch',
      'nothing_to_refund',
      'refund_declined',
    ],
  },
} satisfies Operation;

export const listRefunds = {
  operationId: 'listRefunds',
  summary: 'List the refunds of an order, newest first',
  params: idParams,
  query: z.strictObject(pageQuery),
  answers: { 200: [refundSchema] },
  problems: { 400: ['cursor_invalid'], 404: ['order_not_found'] },
} satisfies Operation;
