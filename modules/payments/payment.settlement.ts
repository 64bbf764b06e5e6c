// What a provider's answer does to a payment and to its order, in one transaction, whoever brought the answer.
import { isDeepStrictEqual } from 'node:util';
import type { Transaction } from '../../shared/database/database.ts';
import type { FactType } from '../../shared/events/facts.ts';
import type { Outbox } from '../../shared/events/outbox.ts';
import * as payments from './payment.repository.ts';
import type { PaymentRow } from './payment.repository.ts';
import { FIRST_LOOK_MS, owe, settle, statusTold, type PaymentStatus } from './payment.ts';
import type { ProviderState } from './provider.ts';

/** What a settlement asks of orders. */
export type PaidOrders = {
  /** 'not_payable' when the order expired or was cancelled meanwhile; 'already' when it is confirmed already. */
  confirm(
    tx: Transaction,
    orderId: string,
    paymentStatus: 'authorized' | 'paid',
  ): Promise<'confirmed' | 'already' | 'not_payable'>;
  recordPayment(tx: Transaction, orderId: string, paymentStatus: OrderPaymentStatus): Promise<void>;
};
type OrderPaymentStatus = 'unpaid' | 'processing' | 'authorized' | 'paid' | 'voided' | 'refunded';

type PaymentFact = Extract<FactType, `payment.${string}`>;

export class Settlement {
  private readonly orders: PaidOrders;
  private readonly outbox: Outbox;

  constructor({ orders, outbox }: { orders: PaidOrders; outbox: Outbox }) {
    this.orders = orders;
    this.outbox = outbox;
  }

  /** Null when the payment is none of ours. An answer that is no news changes nothing. */
  async settle(tx: Transaction, paymentId: string, state: ProviderState): Promise<PaymentRow | null> {
    const payment = await payments.lock(tx, paymentId);
    return payment === null ? null : this.apply(tx, payment, state);
  }

  /**
   * The caller has locked the row. The order is asked before the row is changed: whoever pays holds the order and looks
   * for an active payment, and would wait for a changed row (a deadlock), but not for a locked one.
   */
  async apply(tx: Transaction, before: PaymentRow, state: ProviderState): Promise<PaymentRow> {
    const settled = settle(before, state);
    if (isDeepStrictEqual(before, settled)) return before;
    const decided = before.status === settled.status ? settled : await this.tellOrder(tx, before, settled);
    const becomesOwed = decided.isOwed && !before.isOwed;
    const after = await payments.update(tx, decided, becomesOwed ? FIRST_LOOK_MS : null);
    if (statusTold(state) === 'refunded') await payments.settleRefunds(tx, after.id);
    await this.recordFacts(tx, before, after, statusTold(state));
    return after;
  }

  private async tellOrder(tx: Transaction, before: PaymentRow, after: PaymentRow): Promise<PaymentRow> {
    const { orderId, status } = after;
    const isFirstMoney = before.status !== 'authorized' && (status === 'authorized' || status === 'captured');
    if (isFirstMoney) return this.confirmOrder(tx, after);
    const told = orderStatusOf[status];
    if (told !== null) await this.orders.recordPayment(tx, orderId, told);
    return after;
  }

  /** Money for an order that has expired or been cancelled goes back. */
  private async confirmOrder(tx: Transaction, payment: PaymentRow): Promise<PaymentRow> {
    const told = payment.status === 'captured' ? 'paid' : 'authorized';
    const answer = await this.orders.confirm(tx, payment.orderId, told);
    if (answer === 'already') await this.orders.recordPayment(tx, payment.orderId, told);
    return answer === 'not_payable' ? owe(payment, 'order_not_payable') : payment;
  }

  private async recordFacts(
    tx: Transaction,
    before: PaymentRow,
    after: PaymentRow,
    told: PaymentStatus,
  ): Promise<void> {
    const isNew = before.status !== after.status;
    if (isNew && isFact(after.status)) await this.record(tx, `payment.${after.status}`, after);
    const isOrphaned = after.giveBackReason === 'order_not_payable' || after.giveBackReason === 'charged_late';
    if (isOrphaned && after.isOwed && after.giveBackReason !== before.giveBackReason)
      await this.record(tx, 'payment.orphaned', after);
    const isGivenBack = before.isOwed && !after.isOwed && !isNew;
    if (isGivenBack && (told === 'voided' || told === 'refunded')) await this.record(tx, `payment.${told}`, after);
  }

  private async record(tx: Transaction, type: PaymentFact, payment: PaymentRow): Promise<void> {
    const { id: paymentId, orderId, currency } = payment;
    const amount = { amount: amountOf(type, payment), currency };
    await this.outbox.record(tx, type, orderId, { paymentId, orderId, amount });
  }
}

/** What the order's paymentStatus becomes; null: it stays. */
const orderStatusOf: Record<PaymentStatus, OrderPaymentStatus | null> = {
  processing: null,
  unknown: null,
  requires_action: null,
  authorized: 'authorized',
  captured: 'paid',
  voided: 'voided',
  declined: 'unpaid',
  refunded: 'refunded',
};

const factStatuses = ['authorized', 'captured', 'declined', 'voided', 'refunded'] as const;
type FactStatus = (typeof factStatuses)[number];
const isFact = (status: PaymentStatus): status is FactStatus => (factStatuses as readonly string[]).includes(status);

function amountOf(type: PaymentFact, { amountMinor, capturedMinor, refundedMinor }: PaymentRow): number {
  if (type === 'payment.captured') return capturedMinor;
  return type === 'payment.refunded' ? refundedMinor : amountMinor;
}
