// What a provider's answer does to a payment and to its order, in one transaction, whoever brought the answer.
import { isDeepStrictEqual } from 'node:util';
import type { Transaction } from '../../shared/database/database.ts';
import type { FactType } from '../../shared/events/facts.ts';
import type { Outbox } from '../../shared/events/outbox.ts';
import * as payments from './payment.repository.ts';
import type { PaymentRow } from './payment.repository.ts';
import {
  FIRST_LOOK_MS,
  orderStatusOf,
  owe,
  settle,
  statusTold,
  type OrderPaymentStatus,
  type PaymentStatus,
} from './payment.ts';
import type { ProviderState } from './provider.ts';
import { foreignMinor } from './refund.ts';
import * as refunds from './refund.repository.ts';

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
    const decided = await this.tellOrder(tx, before, settled);
    const becomesOwed = decided.isOwed && !before.isOwed;
    const after = await payments.update(tx, decided, becomesOwed ? FIRST_LOOK_MS : null);
    await this.recordFacts(tx, before, after, statusTold(state));
    return after;
  }

  /** For the doctor: the money is there, and its order was never told. The caller has locked the row. */
  async confirmAgain(tx: Transaction, payment: PaymentRow): Promise<void> {
    if ((payment.status !== 'authorized' && payment.status !== 'captured') || payment.isOwed) return;
    const decided = await this.confirmOrder(tx, payment);
    if (!decided.isOwed) return;
    const after = await payments.update(tx, decided, FIRST_LOOK_MS);
    await this.recordFacts(tx, payment, after, after.status);
  }

  /** How the order stands once a refund of its payment begins or ends; an orphaned charge beside it is not its own. */
  async tellRefunds(tx: Transaction, payment: PaymentRow): Promise<void> {
    if (payment.status === 'captured' || payment.status === 'refunded') await this.tellStatus(tx, payment);
  }

  private async tellOrder(tx: Transaction, before: PaymentRow, after: PaymentRow): Promise<PaymentRow> {
    const isNew = before.status !== after.status;
    const holdsMoney = after.status === 'authorized' || after.status === 'captured';
    if (isNew && holdsMoney && before.status !== 'authorized') return this.confirmOrder(tx, after);
    if (isNew) await this.tellStatus(tx, after);
    else if (before.refundedMinor !== after.refundedMinor) await this.tellRefunds(tx, after);
    return after;
  }

  private async tellStatus(tx: Transaction, payment: PaymentRow): Promise<void> {
    const isRefunding = payment.status === 'captured' && (await refunds.findPending(tx, payment.id)) !== null;
    const told = orderStatusOf(payment, isRefunding);
    if (told !== null) await this.orders.recordPayment(tx, payment.orderId, told);
  }

  /** Money for an order that has expired or been cancelled goes back. */
  private async confirmOrder(tx: Transaction, payment: PaymentRow): Promise<PaymentRow> {
    const told = payment.status === 'captured' ? 'paid' : 'authorized';
    const answer = await this.orders.confirm(tx, payment.orderId, told);
    if (answer === 'already') await this.orders.recordPayment(tx, payment.orderId, told);
    if (answer !== 'not_payable') return payment;
    await this.orders.recordPayment(tx, payment.orderId, told === 'paid' ? 'refund_pending' : 'void_pending');
    return owe(payment, 'order_not_payable');
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
    const isLetGo = before.isOwed && !after.isOwed && !isNew && told === 'voided';
    if (isLetGo) await this.record(tx, 'payment.voided', after);
    if (before.refundedMinor < after.refundedMinor) await this.recordForeignRefund(tx, before, after);
  }

  /** Our own refunds are told when they are settled; this is what somebody gave back in the provider's house. */
  private async recordForeignRefund(tx: Transaction, before: PaymentRow, after: PaymentRow): Promise<void> {
    const takenMinor = await refunds.sumTaken(tx, after.id);
    const amountMinor = foreignMinor(before.refundedMinor, after.refundedMinor, takenMinor);
    if (amountMinor > 0) await this.record(tx, 'payment.refunded', after, amountMinor);
  }

  private async record(
    tx: Transaction,
    type: PaymentFact,
    { id: paymentId, orderId, currency, amountMinor, capturedMinor }: PaymentRow,
    amount = type === 'payment.captured' ? capturedMinor : amountMinor,
  ): Promise<void> {
    await this.outbox.record(tx, type, orderId, { paymentId, orderId, amount: { amount, currency } });
  }
}

/** Refunds have facts of their own. */
const factStatuses = ['authorized', 'captured', 'declined', 'voided'] as const;
type FactStatus = (typeof factStatuses)[number];
const isFact = (status: PaymentStatus): status is FactStatus => (factStatuses as readonly string[]).includes(status);
