// Asks the provider about payments that are open, gives back what is owed, and captures what is to be captured.
import type { Database } from '../../shared/database/database.ts';
import type { Logger } from '../../shared/logging/logger.ts';
import * as payments from './payment.repository.ts';
import type { PaymentRow } from './payment.repository.ts';
import type { Settlement } from './payment.settlement.ts';
import { isOpen, isUnfinished, NEVER_REACHED_MS, nextStep, waitAfterLookMs } from './payment.ts';
import type { PatientProvider, ProviderState } from './provider.ts';
import type { RefundReconciliation } from './refund.reconciliation.ts';

const BATCH_MAX = 10;

type Deps = {
  database: Database;
  provider: PatientProvider;
  settlement: Settlement;
  refunds: RefundReconciliation;
  logger: Logger;
  leaseMs: number;
};

export class Reconciliation {
  private readonly database: Database;
  private readonly provider: PatientProvider;
  private readonly settlement: Settlement;
  private readonly refunds: RefundReconciliation;
  private readonly logger: Logger;
  /** Longer than a fetch and a void, capture or refund together (2 × 10 s). */
  private readonly leaseMs: number;

  constructor({ database, provider, settlement, refunds, logger, leaseMs }: Deps) {
    this.database = database;
    this.provider = provider;
    this.settlement = settlement;
    this.refunds = refunds;
    this.logger = logger;
    this.leaseMs = leaseMs;
  }

  /** Everything that is due; any number of processes share the work. */
  async reconcileDue(): Promise<void> {
    for (;;) {
      const due = await payments.claimDue(this.database, this.provider.name, BATCH_MAX, this.leaseMs);
      if (due.length === 0) return;
      await Promise.all(due.map((payment) => this.lookOrLog(payment)));
    }
  }

  /** One payment, now. What cannot be done now is done by the job. */
  async reconcile(paymentId: string): Promise<void> {
    const payment = await payments.claim(this.database, paymentId, this.leaseMs);
    if (payment !== null && isUnfinished(payment)) await this.look(payment);
  }

  /** One faulty payment does not keep the others waiting. */
  private async lookOrLog(payment: PaymentRow): Promise<void> {
    await this.look(payment).catch((error: unknown) =>
      this.logger.warn({ err: error, paymentId: payment.id }, 'payment not reconciled; trying again'),
    );
  }

  private async look(claimed: PaymentRow): Promise<void> {
    const state = await this.provider.fetch(claimed.id);
    const payment = await this.settleLook(claimed, state);
    const after = state === null ? payment : await this.goOn(payment, state);
    if (isUnfinished(after)) await payments.postpone(this.database, claimed, waitAfterLookMs(claimed.looks));
  }

  private settleLook(claimed: PaymentRow, state: ProviderState | null): Promise<PaymentRow> {
    return this.database.transaction(async (tx) => {
      const payment = await payments.mustLock(tx, claimed.id);
      if (state !== null) return this.settlement.apply(tx, payment, state);
      return neverReached(payment, claimed) ? this.settlement.apply(tx, payment, neverReachedState) : payment;
    });
  }

  /** Seen from the provider's side: a payment that we call declined may hold money there. */
  private async goOn(payment: PaymentRow, state: ProviderState): Promise<PaymentRow> {
    const { id, amountMinor, currency } = payment;
    switch (nextStep(payment, state)) {
      case 'void':
        return this.settleStep(payment, await this.provider.void(id));
      case 'capture':
        return this.settleStep(payment, await this.provider.capture(id, { amount: amountMinor, currency }));
      case 'refund':
        return this.refunds.giveBack(payment);
      case 'wait':
      case 'none':
        return payment;
    }
  }

  /** A step that was refused leaves the charge as it was: the next look tells how that is. */
  private async settleStep(payment: PaymentRow, state: ProviderState): Promise<PaymentRow> {
    if (state.state === 'declined') {
      this.logger.warn(
        { paymentId: payment.id, reason: state.reason },
        'the provider refused to void or capture; trying again',
      );
      return payment;
    }
    const after = await this.database.transaction((tx) => this.settlement.settle(tx, payment.id, state));
    return after ?? payment;
  }
}

/** Decided only by whoever took the payment up last: a retry of the customer's may be authorising it this moment. */
const neverReached = (payment: PaymentRow, claimed: PaymentRow): boolean =>
  isOpen(payment) && payment.ageMs >= NEVER_REACHED_MS && payment.looks === claimed.looks;

const neverReachedState: ProviderState = { state: 'declined', reason: 'never_reached_provider' };
