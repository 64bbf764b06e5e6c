// What may come in for orders; OpenAPI is derived from it.
import { z } from 'zod';
import type { Operation } from '../../shared/http/route.ts';
import { currency, id, idParams, instant, pageQuery, shippingAddress, sku, text } from '../../shared/http/schemas.ts';
import { orderView, quoteView } from './order.view.ts';

const lines = z
  .array(z.strictObject({ sku, quantity: z.int().min(1).max(10_000) }))
  .min(1)
  .max(50);

const quoteBody = z
  .strictObject({ lines })
  .meta({ id: 'QuoteRequest', examples: [{ lines: [{ sku: 'MUG-BLUE', quantity: 2 }] }] });

const placeBody = z
  .strictObject({
    lines,
    shippingAddress: shippingAddress.optional(),
    expectedTotal: z
      .strictObject({ amount: z.int().min(0), currency })
      .optional()
      .meta({ description: 'What the customer was shown; another total is 409' }),
    note: text(1000).optional(),
    customerId: id.optional().meta({ description: 'Staff only: the customer for whom the order is placed' }),
  })
  .meta({ id: 'OrderRequest', examples: [{ lines: [{ sku: 'MUG-BLUE', quantity: 2 }], note: 'Please ring twice.' }] });

const cancelBody = z
  .strictObject({ reason: text(500).optional() })
  .optional()
  .meta({ id: 'CancellationRequest', examples: [{ reason: 'Changed my mind' }] });

export type PlaceOrder = z.output<typeof placeBody>;
export type CancelOrder = z.output<typeof cancelBody>;

const quoteProblems = {
  400: ['duplicate_sku'],
  422: ['unknown_sku', 'product_unavailable', 'mixed_currencies', 'total_too_large'],
};

export const quoteOrder = {
  operationId: 'quoteOrder',
  summary: 'What an order would cost, without any effect',
  body: quoteBody,
  answers: { 200: quoteView },
  problems: quoteProblems,
} satisfies Operation;

export const placeOrder = {
  operationId: 'placeOrder',
  summary: 'Place an order: stock is reserved until it is paid or the reservation runs out',
  body: placeBody,
  priority: 'batched',
  idempotent: true,
  answers: { 201: orderView },
  problems: {
    400: quoteProblems[400],
    409: ['price_changed'],
    422: [...quoteProblems[422], 'insufficient_stock', 'customer_unknown'],
    503: ['prices_in_motion'],
  },
} satisfies Operation;

export const orderFilter = {
  status: z
    .enum(['pending_payment', 'confirmed', 'fulfilled', 'completed', 'cancelled', 'expired'])
    .optional()
    .meta({ description: 'In this state only', examples: ['confirmed'] }),
  customerId: id.optional().meta({ description: 'Of this customer only; without orders:read there are only your own' }),
  createdAfter: instant
    .optional()
    .meta({ description: 'Placed at this time or later', override: { examples: ['2026-11-01T00:00:00Z'] } }),
  createdBefore: instant
    .optional()
    .meta({ description: 'Placed before this time', override: { examples: ['2026-12-01T00:00:00Z'] } }),
};

const listQuery = z.strictObject({ ...pageQuery, ...orderFilter });
export type ListOrders = z.output<typeof listQuery>;

export const listOrders = {
  operationId: 'listOrders',
  summary: 'Your own orders, newest first; staff see all',
  query: listQuery,
  answers: { 200: [orderView] },
} satisfies Operation;

export const getOrder = {
  operationId: 'getOrder',
  summary: 'One order',
  params: idParams,
  answers: { 200: orderView },
  problems: { 404: ['order_not_found'] },
} satisfies Operation;

export const cancelOrder = {
  operationId: 'cancelOrder',
  priority: 'vital',
  summary: 'Cancel an order of which nothing was sent: stock is released, money given back',
  params: idParams,
  body: cancelBody,
  idempotent: true,
  answers: { 200: orderView },
  problems: { 404: ['order_not_found'], 409: ['order_status_forbidden'] },
} satisfies Operation;
