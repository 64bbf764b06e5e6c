// What may come in for stock; OpenAPI is derived from it.
import { z } from 'zod';
import type { Operation } from '../../shared/http/route.ts';
import { pageQuery, sku, text } from '../../shared/http/schemas.ts';
import { levelView, movementView } from './stock.view.ts';

const DELTA_MAX = 1_000_000_000;

const adjustBody = z
  .strictObject({
    sku,
    delta: z
      .int()
      .min(-DELTA_MAX)
      .max(DELTA_MAX)
      .refine((delta) => delta !== 0, { error: 'A change of 0 is none.', params: { code: 'zero_delta' } })
      .meta({ not: { const: 0 } }),
    reason: text(200),
  })
  .meta({ id: 'StockAdjustmentRequest', examples: [{ sku: 'MUG-BLUE', delta: 50, reason: 'Delivery' }] });

const listQuery = z.strictObject({ ...pageQuery, sku: sku.optional().meta({ description: 'This one only' }) });

export type AdjustStock = z.output<typeof adjustBody>;
export type ListStock = z.output<typeof listQuery>;

export const listStock = {
  operationId: 'listStock',
  summary: 'Stock levels by SKU',
  query: listQuery,
  answers: { 200: [levelView] },
} satisfies Operation;

export const listStockMovements = {
  operationId: 'listStockMovements',
  summary:
    'The ledger of stock, newest first: every change, why it was made or for which order, and the level after it',
  query: listQuery,
  answers: { 200: [movementView] },
} satisfies Operation;

export const adjustStock = {
  operationId: 'adjustStock',
  summary: 'Change what is on hand: a delivery, a loss, a count',
  body: adjustBody,
  idempotent: true,
  answers: { 201: movementView },
  problems: { 422: ['unknown_sku', 'stock_below_reserved', 'stock_too_large'] },
} satisfies Operation;
