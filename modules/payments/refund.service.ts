// The use cases of refunds: give money back for an order, in whole, in part or by lines, and list what was given back.
import type { Database, Transaction } from '../../shared/database/database.ts';
import type { Audit } from '../../shared/domain/audit.ts';
import { newId } from '../../shared/domain/ids.ts';
import { decodeCursor, toPage, type Page } from '../../shared/domain/page.ts';
import { unprocessable, type AppError } from '../../shared/errors/app-error.ts';
import type { Actor } from '../../shared/http/actor.ts';
import { isUuid } from '../../shared/http/schemas.ts';
import type { IdempotencyKey } from '../../shared/idempotency/idempotency-key.ts';
import type { Outcome } from '../../shared/idempotency/idempotency.ts';
import * as payments from './payment.repository.ts';
import type { PaymentRow } from './payment.repository.ts';
import type { Settlement } from './payment.settlement.ts';
import type { TwoPhases } from './payment.two-phases.ts';
import type { PatientProvider, ProviderState } from './provider.ts';
import { planRefund, refundable, type RefundableLine } from './refund.ts';
import * as refunds from './refund.repository.ts';
import type { RefundRow } from './refund.repository.ts';
import type { RefundSettlement } from './refund.settlement.ts';
import { requireOneWay, type RefundInput } from './refund.validation.ts';
import { presentRefund, type RefundView } from './refund.view.ts';

/** What refunds ask of orders. */
export type RefundableOrders = {
  /** @throws notFound `order_not_found` */
  findRefundable(tx: Transaction, orderId: string): Promise<{ lines: RefundableLine[] }>;
  /** @throws notFound `order_not_found` unless this actor may see it */
  requireVisible(actor: Actor, orderId: string): Promise<void>;
};

type Deps = {
  database: Database;
  orders: RefundableOrders;
  provider: PatientProvider;
  settlement: Settlement;
  refundSettlement: RefundSettlement;
  twoPhases: TwoPhases;
  audit: Audit;
  leaseMs: number;
};

export class RefundService {
  private readonly deps: Deps;

  constructor(deps: Deps) {
    this.deps = deps;
  }

  /**
   * The same key is always the same refund, and the provider carries it out once.
   * @throws notFound `order_not_found`; malformed `validation_failed`, `duplicate_line`; conflict `payment_status_forbidden`; unprocessable
   * `refund_exceeds_captured`, `refund_exceeds_ordered`, `restock_exceeds_shipped`, `unknown_line`, `currency_mismatch`,
   * `nothing_to_refund`, `refund_declined`
   */
  async refund(actor: Actor, orderId: string, wish: RefundInput, key: IdempotencyKey): Promise<Outcome<RefundView>> {
    requireOneWay(wish);
    return this.deps.twoPhases.run<RefundRow, RefundView>(key, {
      begin: (tx, resumedId) => (resumedId === null ? this.open(tx, actor, orderId, wish) : this.takeUp(tx, resumedId)),
      ask: (refund) => (refund.status === 'pending' ? this.ask(refund) : Promise.resolve(nothingNew)),
      finish: async (tx, refund, state) => answerOf(await this.deps.refundSettlement.settle(tx, refund, state)),
    });
  }

  /** @throws notFound `order_not_found`; malformed `cursor_invalid` */
  async list(
    actor: Actor,
    orderId: string,
    { limit, cursor }: { limit: number; cursor: string | undefined },
  ): Promise<Page<RefundView>> {
    const { database, orders } = this.deps;
    const [before = null] = cursor === undefined ? [] : decodeCursor(cursor, [isUuid]);
    await orders.requireVisible(actor, orderId);
    const rows = await refunds.findOfOrder(database, orderId, { limit: limit + 1, before });
    return toPage(rows.map(presentRefund), limit, ({ id }) => [id]);
  }

  /** Under the lock of the payment: two refunds at once see each other. */
  private async open(tx: Transaction, actor: Actor, orderId: string, wish: RefundInput): Promise<RefundRow> {
    const held = await payments.lockOfOrder(tx, orderId);
    const { lines } = await this.deps.orders.findRefundable(tx, orderId);
    const payment = refundable(held);
    const refund = await this.insert(tx, payment, wish, lines);
    await this.deps.settlement.tellRefunds(tx, payment);
    const subject = { type: 'refund', id: refund.id };
    await this.deps.audit.record(tx, { actor, action: 'refund.created', subject, after: presentRefund(refund) });
    return refund;
  }

  private async insert(
    tx: Transaction,
    payment: PaymentRow,
    { amount, lines: wanted, reason, restock = false }: RefundInput,
    lines: RefundableLine[],
  ): Promise<RefundRow> {
    const { id: paymentId, orderId, currency } = payment;
    const takenMinor = await refunds.sumTaken(tx, paymentId);
    const books = { payment, takenMinor, lines, linesTaken: await refunds.findLinesTaken(tx, orderId) };
    const plan = planRefund({ amount, lines: wanted, restock }, books);
    const refund = { id: newId(), orderId, paymentId, currency, reason, restock, ...plan };
    return refunds.insert(tx, refund, this.deps.leaseMs);
  }

  /** An earlier try of this key may have got as far as the provider, and the job may have settled it since. */
  private async takeUp(tx: Transaction, refundId: string): Promise<RefundRow> {
    const { paymentId } = await refunds.mustFind(tx, refundId);
    await payments.mustLock(tx, paymentId);
    await refunds.postpone(tx, refundId, this.deps.leaseMs);
    return refunds.mustFind(tx, refundId);
  }

  private ask({ id: refundId, paymentId, amountMinor, currency }: RefundRow): Promise<ProviderState> {
    return this.deps.provider.refund({ refundId, paymentId, amount: { amount: amountMinor, currency } });
  }
}

const nothingNew: ProviderState = { state: 'unknown', reason: 'nothing_new' };

function answerOf(refund: RefundRow): RefundView | AppError {
  const { id: refundId, status, declineReason: reason } = refund;
  if (status !== 'failed') return presentRefund(refund);
  return unprocessable('refund_declined', 'The provider refused the refund.', { facts: { refundId, reason } });
}
