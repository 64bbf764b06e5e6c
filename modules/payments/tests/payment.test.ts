// The pure rules of a payment, as tables.
import { describe, expect, it } from 'vitest';
import {
  FIRST_LOOK_MS,
  holdsMoney,
  isLegal,
  isCapturable,
  isOpen,
  isUnfinished,
  nextStep,
  orderStatusOf,
  owe,
  PAYMENT_STATUSES,
  settle,
  statusTold,
  waitAfterLookMs,
  type GiveBackReason,
  type Payment,
  type PaymentStatus,
} from '../payment.ts';
import type { ProviderState } from '../provider.ts';

const nextAction = { type: 'redirect' as const, url: 'https://example.com/approve' };

const aPayment = (status: PaymentStatus, more: Partial<Payment> = {}): Payment => ({
  status,
  authorizedMinor: 0,
  capturedMinor: 0,
  refundedMinor: 0,
  nextAction: null,
  declineReason: null,
  giveBackReason: null,
  isOwed: false,
  wantsCapture: false,
  ...more,
});

const charged = (status: 'authorized' | 'captured' | 'voided' | 'refunded'): ProviderState => ({
  state: 'succeeded',
  charge: {
    status,
    authorizedMinor: 100,
    capturedMinor: status === 'captured' || status === 'refunded' ? 100 : 0,
    refundedMinor: status === 'refunded' ? 100 : 0,
  },
});

const states: Record<PaymentStatus, ProviderState> = {
  processing: { state: 'processing' },
  unknown: { state: 'unknown', reason: 'timed_out' },
  requires_action: { state: 'requires_action', nextAction },
  authorized: charged('authorized'),
  captured: charged('captured'),
  voided: charged('voided'),
  declined: { state: 'declined', reason: 'card_declined' },
  refunded: charged('refunded'),
};

/** Rows: the payment is; columns, in the order of PAYMENT_STATUSES: the provider tells; cells: it becomes. */
const table: Record<PaymentStatus, string> = {
  processing: 'processing unknown requires_action authorized captured voided declined refunded',
  unknown: 'processing unknown requires_action authorized captured voided declined refunded',
  requires_action: 'requires_action requires_action requires_action authorized captured voided declined refunded',
  authorized: 'authorized authorized authorized authorized captured voided authorized refunded',
  captured: 'captured captured captured captured captured captured captured refunded',
  voided: 'voided voided voided voided voided voided voided voided',
  declined: 'declined declined declined declined declined declined declined declined',
  refunded: 'refunded refunded refunded refunded refunded refunded refunded refunded',
};

const cells = PAYMENT_STATUSES.flatMap((from) => {
  const row = table[from].split(' ');
  return PAYMENT_STATUSES.map((told, i) => ({ from, told, to: row[i] }));
});

describe('settle', () => {
  it.each(cells)('$from, told $told, becomes $to', ({ from, told, to }) => {
    expect(settle(aPayment(from), states[told]).status).toBe(to);
    expect(isLegal(from, told)).toBe(from !== told && to === told);
  });

  it.each(cells)('$from, told $told twice, is the same as told once', ({ from, told }) => {
    const once = settle(aPayment(from), states[told]);
    expect(settle(once, states[told])).toEqual(once);
  });

  it.each(cells)('$from, told $told, never loses an amount', ({ from, told }) => {
    const before = aPayment(from, { authorizedMinor: 150, capturedMinor: 100, refundedMinor: 40 });
    const { authorizedMinor, capturedMinor, refundedMinor } = settle(before, states[told]);
    expect([authorizedMinor, capturedMinor, refundedMinor]).toEqual([150, 100, told === 'refunded' ? 100 : 40]);
  });

  it('keeps what the customer has to do only while it is to be done', () => {
    const asked = settle(aPayment('processing'), states.requires_action);
    expect(asked.nextAction).toEqual(nextAction);
    expect(settle(asked, states.processing).nextAction).toEqual(nextAction);
    expect(settle(asked, states.captured).nextAction).toBeNull();
  });

  it('keeps why it was declined', () => {
    expect(settle(aPayment('processing'), states.declined).declineReason).toBe('card_declined');
  });

  it('has the same end in whatever order the answers come', () => {
    const told: PaymentStatus[] = ['processing', 'requires_action', 'authorized', 'captured'];
    for (const order of permutations(told)) {
      expect(order.reduce((payment, one) => settle(payment, states[one]), aPayment('processing')).status).toBe(
        'captured',
      );
    }
  });
});

describe('what is owed', () => {
  const debts: [PaymentStatus, GiveBackReason | null, boolean, PaymentStatus, GiveBackReason | null, boolean][] = [
    // is, reason, owed, told → reason, owed
    ['declined', null, false, 'authorized', 'charged_late', true],
    ['declined', null, false, 'captured', 'charged_late', true],
    ['declined', null, false, 'processing', null, false],
    ['declined', 'charged_late', true, 'captured', 'charged_late', true],
    ['declined', 'charged_late', true, 'voided', 'charged_late', false],
    ['declined', 'charged_late', true, 'refunded', 'charged_late', false],
    ['declined', 'charged_late', true, 'declined', 'charged_late', false],
    ['declined', 'charged_late', true, 'unknown', 'charged_late', true],
    ['declined', 'charged_late', false, 'captured', 'charged_late', false],
    ['voided', null, false, 'authorized', null, false],
    ['voided', 'order_expired', false, 'captured', 'charged_late', true],
    ['refunded', 'order_cancelled', false, 'captured', 'order_cancelled', false],
    ['authorized', 'order_cancelled', true, 'voided', 'order_cancelled', false],
    ['authorized', 'order_cancelled', true, 'captured', 'order_cancelled', true],
    ['authorized', 'void_requested', true, 'captured', null, false],
    ['authorized', 'void_requested', true, 'voided', 'void_requested', false],
    ['authorized', 'void_requested', true, 'unknown', 'void_requested', true],
    ['captured', 'order_cancelled', true, 'refunded', 'order_cancelled', false],
    ['captured', 'order_cancelled', true, 'declined', 'order_cancelled', true],
  ];
  it.each(debts)('%s (%s, owed %s), told %s: %s, owed %s', (status, giveBackReason, isOwed, told, reason, owed) => {
    const after = settle(aPayment(status, { giveBackReason, isOwed }), states[told]);
    expect([after.giveBackReason, after.isOwed]).toEqual([reason, owed]);
  });

  const ways: [PaymentStatus, string][] = [
    ['processing', 'wait'],
    ['unknown', 'wait'],
    ['requires_action', 'void'],
    ['authorized', 'void'],
    ['captured', 'refund'],
    ['voided', 'wait'],
    ['declined', 'wait'],
    ['refunded', 'wait'],
  ];
  it.each(ways)('the way back of what the provider calls %s is %s', (told, way) => {
    expect(nextStep(owe(aPayment('captured'), 'order_cancelled'), states[told])).toBe(way);
    expect(nextStep(aPayment('captured'), states[told])).toBe('none');
  });
});

describe('what is to be captured', () => {
  const wanted = aPayment('authorized', { wantsCapture: true });

  it.each(PAYMENT_STATUSES.map((told) => [told] as const))('told %s', (told) => {
    expect(nextStep(wanted, states[told])).toBe(told === 'authorized' ? 'capture' : 'wait');
    const settled = settle(wanted, states[told]);
    expect(settled.wantsCapture).toBe(settled.status === 'authorized');
  });

  it('is not captured once it is owed: the last word counts', () => {
    const owed = owe(wanted, 'void_requested');
    expect([owed.wantsCapture, nextStep(owed, states.authorized)]).toEqual([false, 'void']);
  });

  it.each(PAYMENT_STATUSES.map((status) => [status] as const))('can be %s or not', (status) => {
    expect(isCapturable(aPayment(status))).toBe(status === 'authorized');
    expect(isCapturable(aPayment(status, { isOwed: true }))).toBe(false);
  });

  it('is unfinished like what is open and what is owed', () => {
    expect(isUnfinished(wanted)).toBe(true);
    expect(isUnfinished(aPayment('authorized'))).toBe(false);
    expect(isUnfinished(aPayment('authorized', { isOwed: true }))).toBe(true);
    expect(isUnfinished(aPayment('processing'))).toBe(true);
  });
});

describe('what the order shows of it', () => {
  it.each<[PaymentStatus, Partial<Payment>, boolean, string | null]>([
    ['processing', {}, false, null],
    ['unknown', {}, false, null],
    ['requires_action', {}, false, null],
    ['authorized', {}, false, 'authorized'],
    ['voided', {}, false, 'voided'],
    ['declined', {}, false, 'unpaid'],
    ['captured', {}, false, 'paid'],
    ['captured', {}, true, 'refund_pending'],
    ['captured', { isOwed: true }, false, 'refund_pending'],
    ['captured', { refundedMinor: 1 }, true, 'refund_pending'],
    ['captured', { refundedMinor: 1 }, false, 'partially_refunded'],
    ['refunded', { refundedMinor: 100 }, true, 'refunded'],
  ])('%s, %o, a refund pending: %s, is %s', (status, more, isRefunding, shown) => {
    expect(orderStatusOf(aPayment(status, more), isRefunding)).toBe(shown);
  });
});

describe('the rest', () => {
  it.each(PAYMENT_STATUSES.map((status) => [status] as const))('%s is open, or holds money, or neither', (status) => {
    expect(isOpen(aPayment(status))).toBe(['processing', 'unknown', 'requires_action'].includes(status));
    expect(holdsMoney(aPayment(status))).toBe(['authorized', 'captured'].includes(status));
    expect(statusTold(states[status])).toBe(status);
  });

  it.each([
    [1, FIRST_LOOK_MS],
    [2, 30_000],
    [3, 60_000],
    [6, 480_000],
    [7, 600_000],
    [60, 600_000],
  ])('after look %i it waits %i ms', (looks, waitMs) => {
    expect(waitAfterLookMs(looks)).toBe(waitMs);
  });
});

function permutations<T>(items: T[]): T[][] {
  if (items.length < 2) return [items];
  return items.flatMap((item, i) => permutations(items.toSpliced(i, 1)).map((rest) => [item, ...rest]));
}
