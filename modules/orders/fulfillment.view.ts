// What a fulfillment looks like from outside, field by field.
import { z } from 'zod';
import { id, timestamp } from '../../shared/http/schemas.ts';
import type { FulfillmentRow } from './fulfillment.repository.ts';
import type { Part } from './fulfillment.ts';

export const fulfillmentView = z
  .object({
    id,
    orderId: id,
    status: z.enum(['shipped', 'delivered']),
    lines: z.array(z.object({ lineId: id, sku: z.string(), quantity: z.int() })),
    carrier: z.string().nullable(),
    trackingNumber: z.string().nullable(),
    shippedAt: timestamp,
    deliveredAt: timestamp.nullable(),
  })
  .meta({ id: 'Fulfillment' });

export type FulfillmentView = z.output<typeof fulfillmentView>;

export const presentFulfillment = (row: FulfillmentRow, parts: Part[]): FulfillmentView => ({
  id: row.id,
  orderId: row.orderId,
  status: row.status,
  lines: parts.map(({ lineId, sku, quantity }) => ({ lineId, sku, quantity })),
  carrier: row.carrier,
  trackingNumber: row.trackingNumber,
  shippedAt: row.shippedAt.toISOString(),
  deliveredAt: row.deliveredAt?.toISOString() ?? null,
});
