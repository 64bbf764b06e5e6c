// An exported order as text, a record of CSV (RFC 4180) or a line of JSON: pure.
import type { OrderView } from './order.view.ts';

type Cell = string | number | null;

/** One row per order; amounts in minor units of `currency`. */
const columns: Record<string, (order: OrderView) => Cell> = {
  number: ({ number }) => number,
  id: ({ id }) => id,
  placedAt: ({ placedAt }) => placedAt,
  customerId: ({ customerId }) => customerId,
  status: ({ status }) => status,
  paymentStatus: ({ paymentStatus }) => paymentStatus,
  fulfillmentStatus: ({ fulfillmentStatus }) => fulfillmentStatus,
  currency: ({ currency }) => currency,
  subtotal: ({ subtotal }) => subtotal.amount,
  tax: ({ tax }) => tax.amount,
  total: ({ total }) => total.amount,
  lines: ({ lines }) => lines.length,
  quantity: ({ lines }) => lines.reduce((sum, { quantity }) => sum + quantity, 0),
  shippingCountry: ({ shippingAddress }) => shippingAddress?.country ?? null,
  note: ({ note }) => note,
  cancelReason: ({ cancelReason }) => cancelReason,
};

const END = '\r\n';

export type Format = { head: string; recordOf: (order: OrderView) => string };

export const formats = {
  'text/csv': {
    head: Object.keys(columns).join(',') + END,
    recordOf: (order) =>
      Object.values(columns)
        .map((of) => csvCell(of(order)))
        .join(',') + END,
  },
  'application/x-ndjson': { head: '', recordOf: (order) => `${JSON.stringify(order)}\n` },
} as const satisfies Record<string, Format>;

export type ContentType = keyof typeof formats;

/** Whatever a spreadsheet may take for a formula (OWASP, CSV Injection), their full-width twins included, is shown as text by a leading `'`. */
const formulaStart = /^[=+\-@\t\r\n＝＋－＠]/;

export function csvCell(value: Cell): string {
  if (value === null) return '';
  if (typeof value === 'number') return String(value);
  const text = formulaStart.test(value) ? `'${value}` : value;
  return text === value && !/[",\r\n]/.test(text) ? text : `"${text.replaceAll('"', '""')}"`;
}
