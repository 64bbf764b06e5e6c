// What may be refunded, and what a part of a line is worth: pure.
import type { Money } from '../../shared/domain/money.ts';
import { conflict, malformed, unprocessable, type Fault } from '../../shared/errors/app-error.ts';
import type { PaymentStatus } from './payment.ts';
import type { ProviderState } from './provider.ts';

export type RefundStatus = 'pending' | 'succeeded' | 'failed';

/** A line as orders tell it; `totalMinor` includes the tax. */
export type RefundableLine = {
  lineId: string;
  sku: string;
  quantity: number;
  shippedQuantity: number;
  totalMinor: number;
};
/** What refunds that have not failed took of a line. */
export type LineTaken = { lineId: string; quantity: number; restockedQuantity: number; amountMinor: number };
export type RefundLine = { lineId: string; sku: string; quantity: number; amountMinor: number };

/** Neither amount nor lines: all that is left. */
export type RefundWish = {
  amount?: Money | undefined;
  lines?: { lineId: string; quantity: number }[] | undefined;
  restock: boolean;
};

type Books = {
  payment: { capturedMinor: number; refundedMinor: number; currency: string };
  /** The sum of its refunds that have not failed, pending ones included. */
  takenMinor: number;
  lines: RefundableLine[];
  linesTaken: LineTaken[];
};

/**
 * @throws malformed `duplicate_line`; unprocessable `currency_mismatch`, `unknown_line`, `refund_exceeds_ordered`,
 * `restock_exceeds_shipped`, `refund_exceeds_captured` with what is left, `nothing_to_refund`
 */
export function planRefund(wish: RefundWish, books: Books): { amountMinor: number; lines: RefundLine[] } {
  const left = leftToRefund(books.payment, books.takenMinor);
  const lines = wish.lines === undefined ? [] : planLines(wish.lines, wish.restock, books);
  const amountMinor =
    wish.lines === undefined ? (wish.amount?.amount ?? left) : lines.reduce((sum, line) => sum + line.amountMinor, 0);
  requireFitting(amountMinor, wish, left, books.payment.currency);
  return { amountMinor, lines };
}

/**
 * The provider may have given back what we did not ask for, and it may have carried out what we still call pending: of the
 * two sums the larger one counts.
 */
export const leftToRefund = (
  { capturedMinor, refundedMinor }: { capturedMinor: number; refundedMinor: number },
  takenMinor: number,
): number => Math.max(0, capturedMinor - Math.max(refundedMinor, takenMinor));

/** What the provider has given back since without being asked by us, as far as it can be told. */
export const foreignMinor = (beforeMinor: number, afterMinor: number, takenMinor: number): number =>
  Math.max(0, afterMinor - takenMinor) - Math.max(0, beforeMinor - takenMinor);

/**
 * The next `quantity` of a line: its share of the line's total so far, half up, less what was refunded. Whatever the parts,
 * the last one takes what is left, so that they sum to the total. In BigInt, as 10 000 × 2^53 is beyond a number.
 */
export function amountOfPart(
  line: { quantity: number; totalMinor: number },
  taken: { quantity: number; amountMinor: number },
  quantity: number,
): number {
  const parts = BigInt(taken.quantity + quantity) * BigInt(line.totalMinor);
  const whole = BigInt(line.quantity);
  const share = Number((2n * parts + whole) / (2n * whole));
  // A refund between two others failed: then the parts before may have taken more than their share.
  return Math.max(0, share - taken.amountMinor);
}

function planLines(
  wanted: { lineId: string; quantity: number }[],
  restock: boolean,
  { lines, linesTaken }: Books,
): RefundLine[] {
  refuseRepeated(wanted);
  return wanted.map(({ lineId, quantity }, i) => {
    const line = lines.find((one) => one.lineId === lineId);
    if (line === undefined) throw refused(i, 'lineId', 'unknown_line', 'The order has no line with this id.');
    const taken = linesTaken.find((one) => one.lineId === lineId) ?? nothingTaken;
    refuseBeyond(
      i,
      quantity,
      line.quantity - taken.quantity,
      'refund_exceeds_ordered',
      'More than is left of the line.',
    );
    if (restock) {
      const shippedLeft = line.shippedQuantity - taken.restockedQuantity;
      refuseBeyond(i, quantity, shippedLeft, 'restock_exceeds_shipped', 'More than was sent and has not come back.');
    }
    return { lineId, sku: line.sku, quantity, amountMinor: amountOfPart(line, taken, quantity) };
  });
}

const nothingTaken = { quantity: 0, restockedQuantity: 0, amountMinor: 0 };

function refuseRepeated(wanted: { lineId: string }[]): void {
  const message = 'Each line may be named once.';
  const faults = wanted.flatMap(({ lineId }, i) =>
    wanted.findIndex((one) => one.lineId === lineId) < i ? [faultAt(i, 'lineId', 'duplicate_line', message)] : [],
  );
  if (faults.length > 0) throw malformed('duplicate_line', message, { faults });
}

function refuseBeyond(i: number, quantity: number, left: number, code: string, message: string): void {
  if (quantity > left) throw refused(i, 'quantity', code, message, { left });
}

const refused = (i: number, field: string, code: string, message: string, facts: object = {}) =>
  unprocessable(code, message, { faults: [{ ...faultAt(i, field, code, message), ...facts }] });

const faultAt = (i: number, field: string, code: string, message: string): Fault => ({
  pointer: `/lines/${i}/${field}`,
  code,
  message,
});

function requireFitting(amountMinor: number, { amount, lines }: RefundWish, left: number, currency: string): void {
  if (amount !== undefined && amount.currency !== currency)
    throw unprocessable('currency_mismatch', `The order was paid in ${currency}.`);
  if (amountMinor > left || (left === 0 && lines === undefined))
    throw unprocessable('refund_exceeds_captured', 'More than is left of what was captured.', {
      facts: { left: { amount: left, currency } },
    });
  if (amountMinor === 0) throw unprocessable('nothing_to_refund', 'These lines come to an amount of zero.');
}

/** The payment of an order that can be refunded: what was given back in whole is named too, for its answer is "nothing left". */
export function refundable<P extends { status: PaymentStatus }>(payments: P[]): P {
  const held = payments.findLast(({ status }) => status === 'captured') ?? payments.findLast(isGone);
  if (held !== undefined) return held;
  throw conflict('payment_status_forbidden', 'Nothing was captured for this order.', {
    facts: { allowed: ['captured'] },
  });
}

const isGone = ({ status }: { status: PaymentStatus }): boolean => status === 'refunded';

/** `declined` says that this refund was refused, and nothing of the charge. */
export function statusOf(state: ProviderState): RefundStatus {
  if (state.state === 'succeeded') return 'succeeded';
  return state.state === 'declined' ? 'failed' : 'pending';
}
