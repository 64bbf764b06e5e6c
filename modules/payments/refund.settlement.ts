// What the provider's answer does to a refund, its payment, its order and the stock, in one transaction, whoever brought the answer.
import type { Transaction } from '../../shared/database/database.ts';
import type { Outbox } from '../../shared/events/outbox.ts';
import * as payments from './payment.repository.ts';
import type { PaymentRow } from './payment.repository.ts';
import type { Settlement } from './payment.settlement.ts';
import type { ProviderState } from './provider.ts';
import { statusOf } from './refund.ts';
import * as refunds from './refund.repository.ts';
import type { RefundRow } from './refund.repository.ts';

/** What refunds need of the stock: what was sent and has come back is on hand again. */
export type Shelf = {
  restock(tx: Transaction, orderId: string, lines: { sku: string; quantity: number }[]): Promise<void>;
};

type Deps = { settlement: Settlement; outbox: Outbox; stock: Shelf };

export class RefundSettlement {
  private readonly settlement: Settlement;
  private readonly outbox: Outbox;
  private readonly stock: Shelf;

  constructor({ settlement, outbox, stock }: Deps) {
    this.settlement = settlement;
    this.outbox = outbox;
    this.stock = stock;
  }

  /** Once: a refund that is decided stays so, and an answer that decides nothing changes nothing. */
  async settle(
    tx: Transaction,
    { id, paymentId }: Pick<RefundRow, 'id' | 'paymentId'>,
    state: ProviderState,
  ): Promise<RefundRow> {
    const payment = await payments.mustLock(tx, paymentId);
    const refund = await refunds.mustFind(tx, id);
    const status = statusOf(state);
    if (refund.status !== 'pending' || status === 'pending') return refund;
    const reason = state.state === 'declined' ? state.reason : null;
    const settled = await refunds.settle(tx, id, status, reason);
    await (status === 'succeeded'
      ? this.succeed(tx, payment, settled, state)
      : this.settlement.tellRefunds(tx, payment));
    return settled;
  }

  private async succeed(tx: Transaction, payment: PaymentRow, refund: RefundRow, state: ProviderState): Promise<void> {
    const { id: refundId, paymentId, orderId, amountMinor, currency, lines, restock } = refund;
    const after = await this.settlement.apply(tx, payment, state);
    await this.settlement.tellRefunds(tx, after);
    const amount = { amount: amountMinor, currency };
    await this.outbox.record(tx, 'payment.refunded', orderId, { paymentId, orderId, amount, refundId });
    if (restock) await this.stock.restock(tx, orderId, lines);
  }
}
