// What an order is, what it costs, and what it may become: pure.
import { taxOf, type Money } from '../../shared/domain/money.ts';
import { conflict, malformed, unprocessable, type Fault } from '../../shared/errors/app-error.ts';

export const orderStatuses = [
  'pending_payment',
  'confirmed',
  'fulfilled',
  'completed',
  'cancelled',
  'expired',
] as const;
export type OrderStatus = (typeof orderStatuses)[number];
export type PaymentStatus =
  | 'unpaid'
  | 'processing'
  | 'authorized'
  | 'paid'
  | 'void_pending'
  | 'voided'
  | 'refund_pending'
  | 'partially_refunded'
  | 'refunded';
export type FulfillmentStatus = 'unfulfilled' | 'partially_fulfilled' | 'fulfilled' | 'delivered';

export type ShippingAddress = {
  name: string;
  line1: string;
  line2?: string | undefined;
  city: string;
  region?: string | undefined;
  postalCode?: string | undefined;
  /** ISO 3166-1 alpha-2. */
  country: string;
};

export type RequestedLine = { sku: string; quantity: number };

/** A variant as the catalogue sells it now. */
export type Variant = {
  sku: string;
  title: string;
  price: Money;
  taxRateBps: number;
  status: 'draft' | 'active' | 'archived';
};

/** Amounts in minor units of the quote's currency; `totalAmount` includes the tax. */
export type QuotedLine = {
  sku: string;
  title: string;
  quantity: number;
  unitAmount: number;
  taxRateBps: number;
  taxAmount: number;
  totalAmount: number;
};
export type Quote = {
  currency: string;
  lines: QuotedLine[];
  subtotalAmount: number;
  taxAmount: number;
  totalAmount: number;
};

/**
 * What these lines cost today.
 * @throws malformed `duplicate_sku`; unprocessable `unknown_sku`, `product_unavailable`, `mixed_currencies`, `total_too_large`
 */
export function quote(requested: RequestedLine[], variants: Variant[]): Quote {
  refuseFaultyLines(
    malformed,
    'duplicate_sku',
    'Each SKU may stand in one line only.',
    requested,
    ({ sku }, i) => requested.findIndex((line) => line.sku === sku) < i,
  );
  const bySku = new Map(variants.map((variant) => [variant.sku, variant]));
  refuseFaultyLines(unprocessable, 'unknown_sku', 'There is no such SKU.', requested, ({ sku }) => !bySku.has(sku));
  refuseFaultyLines(
    unprocessable,
    'product_unavailable',
    'This product is not on sale.',
    requested,
    ({ sku }) => bySku.get(sku)?.status !== 'active',
  );
  const currency = variants[0]?.price.currency ?? '';
  refuseFaultyLines(
    unprocessable,
    'mixed_currencies',
    'An order has one currency.',
    requested,
    ({ sku }) => bySku.get(sku)?.price.currency !== currency,
  );
  const offers = requested.map(({ sku, quantity }) => ({ quantity, variant: bySku.get(sku) })).filter(isOffer);
  return totalOf(currency, offers.map(quoteLine));
}

type Offer = { quantity: number; variant: Variant };

const isOffer = (offer: { quantity: number; variant: Variant | undefined }): offer is Offer =>
  offer.variant !== undefined;

function quoteLine({ quantity, variant: { sku, title, taxRateBps, price } }: Offer): QuotedLine {
  const taxAmount = taxOf(quantity, price.amount, taxRateBps);
  const totalAmount = quantity * price.amount + taxAmount;
  return { sku, title, quantity, unitAmount: price.amount, taxRateBps, taxAmount, totalAmount };
}

/** 50 lines of 10 000 × 10^10 with 100 % tax would pass 2^53: refused rather than rounded. */
function totalOf(currency: string, lines: QuotedLine[]): Quote {
  const sum = (amountOf: (line: QuotedLine) => number) => lines.reduce((total, line) => total + amountOf(line), 0);
  const taxAmount = sum((line) => line.taxAmount);
  const totalAmount = sum((line) => line.totalAmount);
  if (totalAmount > Number.MAX_SAFE_INTEGER)
    throw unprocessable('total_too_large', 'The total is beyond what can be counted exactly.');
  return { currency, lines, subtotalAmount: totalAmount - taxAmount, taxAmount, totalAmount };
}

type Refuse = (code: string, detail: string, more: { faults: Fault[] }) => Error;

function refuseFaultyLines(
  refuse: Refuse,
  code: string,
  message: string,
  lines: RequestedLine[],
  isFaulty: (line: RequestedLine, i: number) => boolean,
): void {
  const faults = lines.flatMap((line, i) => (isFaulty(line, i) ? [{ pointer: `/lines/${i}/sku`, code, message }] : []));
  if (faults.length > 0) throw refuse(code, message, { faults });
}

export type Action = 'confirm' | 'expire' | 'cancel' | 'fulfil_part' | 'fulfil' | 'complete';

type Step = {
  from: readonly OrderStatus[];
  to: OrderStatus;
  /** What it becomes; absent: it stays. */
  fulfillmentStatus?: FulfillmentStatus;
  /** Only while the money is held, or is not wholly given back. */
  needsMoney?: true;
  /** Only while nothing was sent. */
  needsAllHere?: true;
};

/** The table of docs/api.md, "An order's states". */
const steps: Record<Action, Step> = {
  confirm: { from: ['pending_payment'], to: 'confirmed' },
  expire: { from: ['pending_payment'], to: 'expired' },
  cancel: { from: ['pending_payment', 'confirmed'], to: 'cancelled', needsAllHere: true },
  fulfil_part: { from: ['confirmed'], to: 'confirmed', fulfillmentStatus: 'partially_fulfilled', needsMoney: true },
  fulfil: { from: ['confirmed'], to: 'fulfilled', fulfillmentStatus: 'fulfilled', needsMoney: true },
  complete: { from: ['fulfilled'], to: 'completed', fulfillmentStatus: 'delivered' },
};

const moneyStatuses: readonly PaymentStatus[] = ['authorized', 'paid', 'partially_refunded'];

export type OrderState = { status: OrderStatus; paymentStatus: PaymentStatus; fulfillmentStatus: FulfillmentStatus };

/** Money that was taken or promised is owed back once an order is cancelled. */
const owedAfterCancel: Partial<Record<PaymentStatus, PaymentStatus>> = {
  authorized: 'void_pending',
  paid: 'refund_pending',
  partially_refunded: 'refund_pending',
};

/** By the statuses of the order; its money is looked at by `requireAllowed`. */
export function isAllowed(action: Action, { status, fulfillmentStatus }: OrderState): boolean {
  const { from, needsAllHere } = steps[action];
  return from.includes(status) && (!needsAllHere || fulfillmentStatus === 'unfulfilled');
}

/** @throws conflict `order_status_forbidden` with `allowed`, the statuses in which this is possible; `order_not_paid` */
export function requireAllowed(action: Action, order: OrderState): void {
  const { from, needsMoney } = steps[action];
  if (!isAllowed(action, order)) throw statusForbidden(order.status, from);
  if (needsMoney && !moneyStatuses.includes(order.paymentStatus)) throw notPaid(order.paymentStatus);
}

/** @throws conflict `order_status_forbidden`, `order_not_paid` */
export function moveTo(action: Action, order: OrderState): OrderState {
  requireAllowed(action, order);
  const { to: status, fulfillmentStatus = order.fulfillmentStatus } = steps[action];
  const paymentStatus =
    action === 'cancel' ? (owedAfterCancel[order.paymentStatus] ?? order.paymentStatus) : order.paymentStatus;
  return { ...order, status, paymentStatus, fulfillmentStatus };
}

export const statusForbidden = (status: OrderStatus, allowed: readonly OrderStatus[]) =>
  conflict('order_status_forbidden', `This is not possible while the order is ${status}.`, {
    facts: { allowed: [...allowed] },
  });

const notPaid = (paymentStatus: PaymentStatus) =>
  conflict('order_not_paid', `Nothing is sent while the payment is ${paymentStatus}.`, {
    facts: { allowed: [...moneyStatuses] },
  });
