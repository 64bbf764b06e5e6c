// A payment as it goes out.
import { z } from 'zod';
import { id, money, timestamp, version } from '../../shared/http/schemas.ts';
import type { PaymentRow } from './payment.repository.ts';
import type { PaymentStatus } from './payment.ts';

const statuses = ['processing', 'requires_action', 'authorized', 'captured', 'voided', 'declined'] as const;

export const paymentSchema = z
  .object({
    id,
    orderId: id,
    provider: z.string(),
    status: z
      .enum(statuses)
      .meta({ description: 'A captured payment stays captured when it is refunded: see refundedAmount' }),
    amount: money,
    capturedAmount: money,
    refundedAmount: money,
    nextAction: z
      .object({ type: z.literal('redirect'), url: z.url() })
      .nullable()
      .meta({ description: 'What the customer has to do while the status is requires_action' }),
    createdAt: timestamp,
    version,
  })
  .meta({ id: 'Payment' });
export type PaymentView = z.output<typeof paymentSchema>;

export function presentPayment(payment: PaymentRow): PaymentView {
  const { currency } = payment;
  return {
    id: payment.id,
    orderId: payment.orderId,
    provider: payment.provider,
    status: statusShown[payment.status],
    amount: { amount: payment.amountMinor, currency },
    capturedAmount: { amount: payment.capturedMinor, currency },
    refundedAmount: { amount: payment.refundedMinor, currency },
    nextAction: payment.status === 'requires_action' ? payment.nextAction : null,
    createdAt: payment.createdAt.toISOString(),
    version: payment.version,
  };
}

/** Whether we heard nothing or heard "later" is all the same to a customer. */
const statusShown: Record<PaymentStatus, PaymentView['status']> = {
  processing: 'processing',
  unknown: 'processing',
  requires_action: 'requires_action',
  authorized: 'authorized',
  captured: 'captured',
  voided: 'voided',
  declined: 'declined',
  refunded: 'captured',
};
