// A refund as it goes out.
import { z } from 'zod';
import { id, money, timestamp } from '../../shared/http/schemas.ts';
import type { RefundRow } from './refund.repository.ts';

export const refundSchema = z
  .object({
    id,
    orderId: id,
    paymentId: id,
    amount: money,
    lines: z
      .array(z.object({ lineId: id, quantity: z.int(), amount: money }))
      .meta({ description: 'Empty for a refund of an amount' }),
    reason: z.string(),
    restock: z.boolean(),
    status: z.enum(['pending', 'succeeded', 'failed']),
    createdAt: timestamp,
  })
  .meta({ id: 'Refund' });
export type RefundView = z.output<typeof refundSchema>;

export function presentRefund(refund: RefundRow): RefundView {
  const { id: refundId, orderId, paymentId, currency, reason, restock, status } = refund;
  return {
    id: refundId,
    orderId,
    paymentId,
    amount: { amount: refund.amountMinor, currency },
    lines: refund.lines.map(({ lineId, quantity, amountMinor }) => ({
      lineId,
      quantity,
      amount: { amount: amountMinor, currency },
    })),
    reason,
    restock,
    status,
    createdAt: refund.createdAt.toISOString(),
  };
}
