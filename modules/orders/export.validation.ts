// What may come in for an export, and what goes out; OpenAPI is derived from it.
import { z } from 'zod';
import type { Operation } from '../../shared/http/route.ts';
import { orderFilter } from './order.validation.ts';
import { orderView } from './order.view.ts';

const exportQuery = z.strictObject(orderFilter);
export type ExportOrders = z.output<typeof exportQuery>;

export const exportOrders = {
  operationId: 'exportOrders',
  priority: 'low',
  summary: 'All orders, newest first, as CSV or NDJSON',
  description:
    'Choose by `Accept`: `text/csv` (RFC 4180 with a header, a row per order, amounts in minor units) or `application/x-ndjson` (an Order per line). It is sent while it is read, all of one moment. When the connection is cut, it is incomplete.',
  query: exportQuery,
  answers: {},
  streams: [
    { contentType: 'text/csv', schema: z.string().meta({ examples: ['number,id,placedAt\r\n'] }) },
    { contentType: 'application/x-ndjson', schema: orderView },
  ],
  problems: { 503: ['exports_busy'] },
} as const satisfies Operation;
