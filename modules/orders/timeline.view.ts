// What an entry of the timeline looks like from outside, field by field.
import { z } from 'zod';
import { id, money, timestamp } from '../../shared/http/schemas.ts';
import { doerOf, factOf } from './timeline.ts';
import type { EntryRow } from './timeline.repository.ts';

export const timelineEntryView = z
  .object({
    type: z.string().meta({
      description: 'The fact: `order.…`, `fulfillment.…` or `payment.…`',
      examples: ['order.confirmed'],
    }),
    status: z.enum(['pending_payment', 'confirmed', 'fulfilled', 'completed', 'cancelled', 'expired']).meta({
      description: "The order's, after it",
    }),
    actor: z
      .object({
        type: z.enum(['customer', 'staff', 'api_key', 'payment', 'system']),
        id: z.uuid().nullable(),
      })
      .meta({ description: 'A customer is not told which of the staff acted' }),
    requestId: z.string().nullable(),
    fulfillmentId: id.nullable(),
    paymentId: id.nullable(),
    amount: money.nullable(),
    happenedAt: timestamp,
  })
  .meta({ id: 'TimelineEntry' });

export type TimelineEntryView = z.output<typeof timelineEntryView>;

export function presentEntry(row: EntryRow, customerId: string, viewer: { isForStaff: boolean }): TimelineEntryView {
  const { type, id: actorId, requestId } = doerOf(row, customerId, viewer);
  const { status, fulfillmentId, paymentId, amount, currency } = row;
  return {
    type: factOf(row.action),
    status,
    actor: { type, id: actorId },
    requestId,
    fulfillmentId,
    paymentId,
    amount: amount === null || currency === null ? null : { amount: Number(amount), currency },
    happenedAt: row.happenedAt.toISOString(),
  };
}
