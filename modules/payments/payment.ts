// What a payment is and may become: pure, as tables.
import type { NextAction, ProviderState } from './provider.ts';

export const PAYMENT_STATUSES = [
  'processing',
  'unknown',
  'requires_action',
  'authorized',
  'captured',
  'voided',
  'declined',
  'refunded',
] as const;
export type PaymentStatus = (typeof PAYMENT_STATUSES)[number];

/** Why money goes back: for all but the last, whatever the provider holds by then, captured or not. */
export type GiveBackReason =
  | 'order_not_payable' // the money came after the order had expired or been cancelled
  | 'order_cancelled'
  | 'order_expired'
  | 'charged_late' // the provider charged a payment that was closed as declined or voided
  | 'void_requested'; // staff asked to void: an authorisation only

export type Payment = {
  status: PaymentStatus;
  authorizedMinor: number;
  capturedMinor: number;
  refundedMinor: number;
  nextAction: NextAction | null;
  declineReason: string | null;
  giveBackReason: GiveBackReason | null;
  isOwed: boolean;
  /** Somebody asked to capture what is authorised, and it has not been captured yet. */
  wantsCapture: boolean;
};

/** Never back: a late, repeated or overtaken answer finds its step missing here. */
const stepsFrom: Record<PaymentStatus, readonly PaymentStatus[]> = {
  processing: ['unknown', 'requires_action', 'authorized', 'captured', 'voided', 'declined', 'refunded'],
  unknown: ['processing', 'requires_action', 'authorized', 'captured', 'voided', 'declined', 'refunded'],
  requires_action: ['authorized', 'captured', 'voided', 'declined', 'refunded'],
  authorized: ['captured', 'voided', 'refunded'],
  captured: ['refunded'],
  voided: [],
  declined: [],
  refunded: [],
};

/** What a closed payment should never hear: the provider holds money that the customer was told it does not. */
const contradictionsOf: Record<PaymentStatus, readonly PaymentStatus[]> = {
  processing: [],
  unknown: [],
  requires_action: [],
  authorized: [],
  captured: [],
  // An `authorized` told after the void is only late.
  voided: ['captured'],
  declined: ['authorized', 'captured'],
  refunded: [],
};

/** What the order shows of it. */
export type OrderPaymentStatus =
  | 'unpaid'
  | 'processing'
  | 'authorized'
  | 'paid'
  | 'void_pending'
  | 'voided'
  | 'refund_pending'
  | 'partially_refunded'
  | 'refunded';

const orderStatuses: Record<PaymentStatus, OrderPaymentStatus | null> = {
  processing: null,
  unknown: null,
  requires_action: null,
  authorized: 'authorized',
  captured: 'paid',
  voided: 'voided',
  declined: 'unpaid',
  refunded: 'refunded',
};

/** @param isRefunding a refund of it is pending. Null: the order's stays as it is */
export function orderStatusOf(
  { status, refundedMinor, isOwed }: Payment,
  isRefunding: boolean,
): OrderPaymentStatus | null {
  if (status !== 'captured') return orderStatuses[status];
  if (isRefunding || isOwed) return 'refund_pending';
  return refundedMinor > 0 ? 'partially_refunded' : 'paid';
}

export const isLegal = (from: PaymentStatus, to: PaymentStatus): boolean => stepsFrom[from].includes(to);

/** Not decided yet: the provider has to be asked. */
export const isOpen = ({ status }: Payment): boolean =>
  status === 'processing' || status === 'unknown' || status === 'requires_action';

/** There is something to ask the provider, or to ask of it. */
export const isUnfinished = (payment: Payment): boolean => isOpen(payment) || payment.isOwed || payment.wantsCapture;

const isClosed = ({ status }: Payment): boolean => stepsFrom[status].length === 0;

export const holdsMoney = ({ status }: Payment): boolean => status === 'authorized' || status === 'captured';

/** The payment after the provider's answer; the same object's values when the answer is no news. */
export function settle<P extends Payment>(payment: P, state: ProviderState): P {
  const told = statusTold(state);
  const moved = isLegal(payment.status, told) ? { ...payment, status: told, ...circumstancesOf(state) } : payment;
  return withoutVainWish(withDebt({ ...moved, ...amountsOf(payment, state) }, told));
}

/** The status that an answer of the provider speaks of. */
export const statusTold = (state: ProviderState): PaymentStatus =>
  state.state === 'succeeded' ? state.charge.status : state.state;

function circumstancesOf(state: ProviderState): Pick<Payment, 'nextAction' | 'declineReason'> {
  return {
    nextAction: state.state === 'requires_action' ? state.nextAction : null,
    declineReason: state.state === 'declined' ? state.reason : null,
  };
}

/** Amounts only grow. */
function amountsOf(payment: Payment, state: ProviderState): Partial<Payment> {
  if (state.state !== 'succeeded') return {};
  return {
    authorizedMinor: Math.max(payment.authorizedMinor, state.charge.authorizedMinor),
    capturedMinor: Math.max(payment.capturedMinor, state.charge.capturedMinor),
    refundedMinor: Math.max(payment.refundedMinor, state.charge.refundedMinor),
  };
}

function withDebt<P extends Payment>(payment: P, told: PaymentStatus): P {
  const { status, giveBackReason, isOwed } = payment;
  // Once: what was given back stays so, however late its events come.
  if (contradictionsOf[status].includes(told) && giveBackReason !== 'charged_late') return owe(payment, 'charged_late');
  if (isOwed && isClosed(payment) && holdsNothing(told)) return { ...payment, isOwed: false };
  // Captured in the meantime: there is nothing left to void, and nobody asked for a refund.
  if (giveBackReason === 'void_requested' && status === 'captured')
    return { ...payment, giveBackReason: null, isOwed: false };
  return payment;
}

const holdsNothing = (told: PaymentStatus): boolean => told === 'voided' || told === 'refunded' || told === 'declined';

export const owe = <P extends Payment>(payment: P, reason: GiveBackReason): P => ({
  ...payment,
  giveBackReason: reason,
  isOwed: true,
  wantsCapture: false,
});

/** Only an authorisation can be captured. */
const withoutVainWish = <P extends Payment>(payment: P): P => ({
  ...payment,
  wantsCapture: payment.wantsCapture && payment.status === 'authorized',
});

export const isCapturable = ({ status, isOwed }: Payment): boolean => status === 'authorized' && !isOwed;

/** What brings the payment to where it is wanted, seen from what the provider last told; `wait` while it cannot be told. */
export function nextStep(
  { isOwed, wantsCapture }: Payment,
  state: ProviderState,
): 'void' | 'refund' | 'capture' | 'wait' | 'none' {
  const told = statusTold(state);
  if (isOwed) return wayBack[told] ?? 'wait';
  if (wantsCapture) return told === 'authorized' ? 'capture' : 'wait';
  return 'none';
}

const wayBack: Partial<Record<PaymentStatus, 'void' | 'refund'>> = {
  requires_action: 'void',
  authorized: 'void',
  captured: 'refund',
};

/** Until the provider is asked first: most payments are settled by then. */
export const FIRST_LOOK_MS = 15_000;
const LONGEST_WAIT_MS = 10 * 60_000;

/** @param looks made so far (≥ 1) @returns ms: with the first at 15 s they fall on 15 s, 30 s, 1 min, 2 min, … */
export const waitAfterLookMs = (looks: number): number => Math.min(FIRST_LOOK_MS * 2 ** (looks - 1), LONGEST_WAIT_MS);

/** A payment that the provider does not know by then never reached it: its own call was given up long ago. */
export const NEVER_REACHED_MS = 2 * 60_000;
