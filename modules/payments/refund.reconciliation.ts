// Asks the provider about refunds that are pending, and opens those that give back what is owed.
import type { Database } from '../../shared/database/database.ts';
import { newId } from '../../shared/domain/ids.ts';
import type { Logger } from '../../shared/logging/logger.ts';
import * as payments from './payment.repository.ts';
import type { PaymentRow } from './payment.repository.ts';
import { waitAfterLookMs } from './payment.ts';
import type { PatientProvider } from './provider.ts';
import { leftToRefund } from './refund.ts';
import * as refunds from './refund.repository.ts';
import type { RefundRow } from './refund.repository.ts';
import type { RefundSettlement } from './refund.settlement.ts';

const BATCH_MAX = 10;

type Deps = {
  database: Database;
  provider: PatientProvider;
  settlement: RefundSettlement;
  logger: Logger;
  leaseMs: number;
};

export class RefundReconciliation {
  private readonly deps: Deps;

  constructor(deps: Deps) {
    this.deps = deps;
  }

  /** Everything that is due; any number of processes share the work. */
  async reconcileDue(): Promise<void> {
    const { database, provider, leaseMs } = this.deps;
    for (;;) {
      const due = await refunds.claimDue(database, provider.name, BATCH_MAX, leaseMs);
      if (due.length === 0) return;
      await Promise.all(due.map((refund) => this.lookOrLog(refund)));
    }
  }

  /** One faulty refund does not keep the others waiting. */
  private async lookOrLog(refund: RefundRow): Promise<void> {
    await this.look(refund).catch((error: unknown) =>
      this.deps.logger.warn({ err: error, refundId: refund.id }, 'refund not reconciled; trying again'),
    );
  }

  private async look(refund: RefundRow): Promise<void> {
    const { status } = await this.ask(refund);
    if (status === 'pending') await refunds.postpone(this.deps.database, refund.id, waitAfterLookMs(refund.looks));
  }

  /** All that is left of an owed payment; what staff have asked for before it comes first. */
  async giveBack(payment: PaymentRow): Promise<PaymentRow> {
    const refund = await this.open(payment.id);
    if (refund !== null) await this.ask(refund);
    return payments.mustFind(this.deps.database, payment.id);
  }

  /** Committed before the provider is asked; a later try finds it, so that the provider sees one refund. Null: nothing is left. */
  private open(paymentId: string): Promise<RefundRow | null> {
    return this.deps.database.transaction(async (tx) => {
      const payment = await payments.mustLock(tx, paymentId);
      if (!payment.isOwed) return null;
      const { orderId, currency, giveBackReason, capturedMinor } = payment;
      const pending = await refunds.findPending(tx, paymentId);
      if (pending !== null) return pending;
      const amountMinor = leftToRefund(payment, await refunds.sumTaken(tx, paymentId));
      if (amountMinor === 0 && capturedMinor > 0) return null;
      const reason = giveBackReason ?? 'given_back';
      const refund = { id: newId(), orderId, paymentId, amountMinor, currency, lines: [], reason, restock: false };
      return refunds.insert(tx, refund, this.deps.leaseMs);
    });
  }

  private async ask(refund: RefundRow): Promise<RefundRow> {
    const { database, provider, settlement, logger } = this.deps;
    const { id: refundId, paymentId, amountMinor, currency } = refund;
    const state = await provider.refund({ refundId, paymentId, amount: { amount: amountMinor, currency } });
    if (state.state === 'declined')
      logger.warn({ refundId, paymentId, reason: state.reason }, 'the provider refused a refund');
    return database.transaction((tx) => settlement.settle(tx, refund, state));
  }
}
