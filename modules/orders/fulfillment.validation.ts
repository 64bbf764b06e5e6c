// What may come in for fulfillments; OpenAPI is derived from it.
import { z } from 'zod';
import type { Operation } from '../../shared/http/route.ts';
import { id, idParams, noBody, pageQuery, text } from '../../shared/http/schemas.ts';
import { fulfillmentView } from './fulfillment.view.ts';

const fulfilBody = z
  .strictObject({
    lines: z
      .array(z.strictObject({ lineId: id, quantity: z.int().min(1).max(10_000) }))
      .min(1)
      .max(50)
      .optional()
      .meta({ description: 'What is sent; absent: all that is left' }),
    carrier: text(100).optional(),
    trackingNumber: text(100).optional(),
  })
  .optional()
  .meta({ id: 'FulfillmentRequest', examples: [{ carrier: 'DHL', trackingNumber: '00340434161094042557' }] });

export type FulfilOrder = z.output<typeof fulfilBody>;

export const fulfilOrder = {
  operationId: 'fulfilOrder',
  summary: 'Send a part of an order, or all that is left: the stock leaves the house',
  params: idParams,
  body: fulfilBody,
  idempotent: true,
  answers: { 201: fulfillmentView },
  problems: {
    400: ['duplicate_line'],
    404: ['order_not_found'],
    409: ['order_status_forbidden', 'order_not_paid'],
    422: ['unknown_line', 'fulfillment_exceeds_ordered'],
  },
} satisfies Operation;

const listQuery = z.strictObject(pageQuery);
export type ListFulfillments = z.output<typeof listQuery>;

export const listFulfillments = {
  operationId: 'listFulfillments',
  summary: 'What was sent of an order, oldest first',
  params: idParams,
  query: listQuery,
  answers: { 200: [fulfillmentView] },
  problems: { 404: ['order_not_found'] },
} satisfies Operation;

export const deliverFulfillment = {
  operationId: 'deliverFulfillment',
  summary: 'A fulfillment has arrived; with the last one of a fulfilled order, the order is completed',
  params: idParams,
  body: noBody.meta({ examples: [{}] }),
  idempotent: true,
  answers: { 200: fulfillmentView },
  problems: { 404: ['fulfillment_not_found'], 409: ['fulfillment_status_forbidden'] },
} satisfies Operation;
