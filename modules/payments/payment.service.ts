// What can be done with payments: pay, confirm, capture, void, look, and hear what the provider and the orders tell.
import type { IncomingHttpHeaders } from 'node:http';
import type { Database, Transaction } from '../../shared/database/database.ts';
import { newId } from '../../shared/domain/ids.ts';
import type { Audit } from '../../shared/domain/audit.ts';
import type { Money } from '../../shared/domain/money.ts';
import { decodeCursor, toPage, type Page } from '../../shared/domain/page.ts';
import { conflict, declined, notFound, unavailable, type AppError } from '../../shared/errors/app-error.ts';
import { may, type Actor } from '../../shared/http/actor.ts';
import { id as idSchema } from '../../shared/http/schemas.ts';
import type { IdempotencyKey } from '../../shared/idempotency/idempotency-key.ts';
import type { Outcome } from '../../shared/idempotency/idempotency.ts';
import type { Reconciliation } from './payment.reconciliation.ts';
import * as payments from './payment.repository.ts';
import type { PaymentRow } from './payment.repository.ts';
import type { PaidOrders, Settlement } from './payment.settlement.ts';
import {
  FIRST_LOOK_MS,
  holdsMoney,
  isCapturable,
  isOpen,
  owe,
  type GiveBackReason,
  type PaymentStatus,
} from './payment.ts';
import type { TwoPhases } from './payment.two-phases.ts';
import type { PaymentInput } from './payment.validation.ts';
import { presentPayment, type PaymentView } from './payment.view.ts';
import type { PatientProvider, ProviderState } from './provider.ts';
import * as refunds from './refund.repository.ts';

/** What payments ask of orders. */
export type Orders = PaidOrders & {
  /** Locks the order. @throws notFound `order_not_found` (also a stranger's), conflict `order_status_forbidden` */
  findPayable(
    tx: Transaction,
    actor: Actor,
    orderId: string,
  ): Promise<{ orderId: string; customerId: string; total: Money }>;
  /** @throws notFound `order_not_found` unless this actor may see it */
  requireVisible(actor: Actor, orderId: string): Promise<void>;
};

type Deps = {
  database: Database;
  orders: Orders;
  provider: PatientProvider;
  settlement: Settlement;
  reconciliation: Reconciliation;
  twoPhases: TwoPhases;
  audit: Audit;
  leaseMs: number;
};

export class PaymentService {
  private readonly database: Database;
  private readonly orders: Orders;
  private readonly provider: PatientProvider;
  private readonly settlement: Settlement;
  private readonly reconciliation: Reconciliation;
  private readonly twoPhases: TwoPhases;
  private readonly audit: Audit;
  private readonly leaseMs: number;

  constructor({ database, orders, provider, settlement, reconciliation, twoPhases, audit, leaseMs }: Deps) {
    this.database = database;
    this.orders = orders;
    this.provider = provider;
    this.settlement = settlement;
    this.reconciliation = reconciliation;
    this.twoPhases = twoPhases;
    this.audit = audit;
    this.leaseMs = leaseMs;
  }

  /**
   * The same key is always the same payment, and the provider charges it once.
   * @throws notFound `order_not_found`; declined `payment_declined`; conflict `payment_in_progress`, `order_status_forbidden`
   */
  pay(
    actor: Actor,
    orderId: string,
    { token, capture }: PaymentInput,
    key: IdempotencyKey,
  ): Promise<Outcome<PaymentView>> {
    return this.twoPhases.run(key, {
      begin: (tx, resumedId) =>
        resumedId === null ? this.open(tx, actor, orderId, capture) : this.takeUp(tx, resumedId),
      ask: (payment, isResumed) => (isResumed ? this.chargeAgain(payment, token) : this.charge(payment, token)),
      finish: async (tx, { id }, state) => answerOf(await this.settle(tx, id, state)),
    });
  }

  /** The customer is back from the provider's page: asks now. @throws notFound `payment_not_found` */
  confirm(actor: Actor, paymentId: string, key: IdempotencyKey): Promise<Outcome<PaymentView>> {
    return this.twoPhases.run(key, {
      begin: async (tx) => {
        const payment = await payments.lock(tx, paymentId);
        if (payment === null || !isOwner(actor, payment)) throw paymentNotFound();
        await this.recordDeed(tx, actor, 'payment.confirmed', payment);
        return payment;
      },
      ask: async (payment) => (isOpen(payment) ? ((await this.provider.fetch(paymentId)) ?? nothingNew) : nothingNew),
      finish: async (tx, _payment, state) => presentPayment(await this.settle(tx, paymentId, state)),
    });
  }

  /** @throws notFound `payment_not_found`; conflict `payment_status_forbidden`; unavailable `provider_unavailable` */
  capture(actor: Actor, paymentId: string, key: IdempotencyKey): Promise<Outcome<PaymentView>> {
    return this.fulfilWish(actor, paymentId, captureWish, key, ({ amountMinor, currency }) =>
      this.provider.capture(paymentId, { amount: amountMinor, currency }),
    );
  }

  /** @throws notFound `payment_not_found`; conflict `payment_status_forbidden`; unavailable `provider_unavailable` */
  void(actor: Actor, paymentId: string, key: IdempotencyKey): Promise<Outcome<PaymentView>> {
    return this.fulfilWish(actor, paymentId, voidWish, key, () => this.provider.void(paymentId));
  }

  /** @throws notFound `payment_not_found`, also for a stranger */
  async find(actor: Actor, paymentId: string): Promise<PaymentView> {
    const payment = await payments.find(this.database, paymentId);
    if (payment === null || !(isOwner(actor, payment) || may(actor, 'orders:read'))) throw paymentNotFound();
    return presentPayment(payment);
  }

  /** @throws notFound `order_not_found`; malformed `cursor_invalid` */
  async list(
    actor: Actor,
    orderId: string,
    { limit, cursor }: { limit: number; cursor: string | undefined },
  ): Promise<Page<PaymentView>> {
    const [before = null] = cursor === undefined ? [] : decodeCursor(cursor, [isId]);
    await this.orders.requireVisible(actor, orderId);
    const rows = await payments.findOfOrder(this.database, orderId, { limit: limit + 1, before });
    return toPage(rows.map(presentPayment), limit, ({ id }) => [id]);
  }

  /**
   * An event of the provider's: repeated, late, overtaken or about somebody else's payment, it does no harm.
   * @throws notFound `provider_unknown`; malformed `signature_invalid`, `validation_failed`; unavailable `provider_unavailable`
   */
  async receiveEvent(providerName: string, rawBody: Buffer, headers: IncomingHttpHeaders): Promise<void> {
    const { name } = this.provider;
    if (providerName !== name) throw notFound('provider_unknown', 'No payment provider of this name is set up here.');
    const event = await this.provider.readEvent(rawBody, headers);
    if (event === null) return;
    await this.database.transaction(async (tx) => {
      const isNew = await payments.insertEvent(tx, name, event.id);
      if (!isNew || !isId(event.paymentId)) return;
      await this.settlement.settle(tx, event.paymentId, event.state);
      await refunds.hasten(tx, event.paymentId);
    });
  }

  /** The order is not to be paid any more. What is still processing goes back when it settles. Heard twice, done once. */
  async giveBackAllOf(orderId: string, reason: GiveBackReason): Promise<void> {
    const owed = await this.database.transaction(async (tx) => {
      const rows = (await payments.lockOfOrder(tx, orderId)).filter(isToBeGivenBack);
      for (const row of rows) await payments.update(tx, owe(row, reason), FIRST_LOOK_MS);
      return rows;
    });
    for (const { id } of owed) await this.reconciliation.reconcile(id);
  }

  /** The order was sent: what is only authorised is taken now. Heard twice, done once. */
  async captureAllOf(orderId: string): Promise<void> {
    const wanted = await this.database.transaction(async (tx) => {
      const rows = (await payments.lockOfOrder(tx, orderId)).filter(isCapturable);
      const unasked = rows.filter(({ wantsCapture }) => !wantsCapture);
      for (const row of unasked) await payments.update(tx, captureWish.make(row), FIRST_LOOK_MS);
      return rows;
    });
    for (const { id } of wanted) await this.reconciliation.reconcile(id);
  }

  giveBack(paymentId: string): Promise<void> {
    return this.reconciliation.reconcile(paymentId);
  }

  private async open(tx: Transaction, actor: Actor, orderId: string, captures: boolean): Promise<PaymentRow> {
    const { customerId, total } = await this.orders.findPayable(tx, actor, orderId);
    const { amount: amountMinor, currency } = total;
    const row = { id: newId(), orderId, customerId, provider: this.provider.name, amountMinor, currency, captures };
    const payment = await payments.insert(tx, row);
    if (payment === null) throw conflict('payment_in_progress', 'Another payment of this order is under way.');
    await this.orders.recordPayment(tx, orderId, 'processing');
    await this.recordDeed(tx, actor, 'payment.created', null, payment);
    return payment;
  }

  private async takeUp(tx: Transaction, paymentId: string): Promise<PaymentRow> {
    const payment = await payments.claim(tx, paymentId, this.leaseMs);
    if (payment === null) throw new Error(`payment ${paymentId} has vanished`);
    return payment;
  }

  private charge({ id, amountMinor, currency, captures }: PaymentRow, token: string): Promise<ProviderState> {
    const amount = { amount: amountMinor, currency };
    return this.provider.authorize({ paymentId: id, amount, token, capture: captures });
  }

  /** An earlier try may have got as far as the provider, and the job or an event may have settled it since. */
  private async chargeAgain(payment: PaymentRow, token: string): Promise<ProviderState> {
    if (!isOpen(payment)) return nothingNew;
    return (await this.provider.fetch(payment.id)) ?? this.charge(payment, token);
  }

  /** The wish is committed before the provider is asked, so that the job goes on with it. */
  private fulfilWish(
    actor: Actor,
    paymentId: string,
    wish: Wish,
    key: IdempotencyKey,
    step: (payment: PaymentRow) => Promise<ProviderState>,
  ): Promise<Outcome<PaymentView>> {
    return this.twoPhases.run(key, {
      begin: (tx, resumedId) => this.wish(tx, actor, paymentId, wish, resumedId !== null),
      ask: (payment) => (wish.isOpen(payment) ? this.tryStep(payment, step) : Promise.resolve(nothingNew)),
      finish: async (tx, _payment, state) => wishAnswerOf(wish, await this.settle(tx, paymentId, state)),
    });
  }

  private async wish(
    tx: Transaction,
    actor: Actor,
    paymentId: string,
    wish: Wish,
    isResumed: boolean,
  ): Promise<PaymentRow> {
    const payment = await payments.lock(tx, paymentId);
    if (payment === null) throw paymentNotFound();
    if (isResumed) return payment;
    if (!wish.isPossible(payment)) throw wishRefused(wish);
    const wished = wish.isOpen(payment) ? payment : await payments.update(tx, wish.make(payment), this.leaseMs);
    await this.recordDeed(tx, actor, wish.deed, payment, wished);
    return wished;
  }

  /** Refused: then the provider knows a newer status than we do. */
  private async tryStep(
    payment: PaymentRow,
    step: (payment: PaymentRow) => Promise<ProviderState>,
  ): Promise<ProviderState> {
    const state = await step(payment);
    return state.state === 'declined' ? ((await this.provider.fetch(payment.id)) ?? nothingNew) : state;
  }

  private async recordDeed(
    tx: Transaction,
    actor: Actor,
    action: string,
    before: PaymentRow | null,
    after: PaymentRow | null = before,
  ): Promise<void> {
    const subject = { type: 'payment', id: (after ?? before)?.id ?? null };
    const views = {
      ...(before && { before: presentPayment(before) }),
      ...(after && { after: presentPayment(after) }),
    };
    await this.audit.record(tx, { actor, action, subject, ...views });
  }

  private async settle(tx: Transaction, paymentId: string, state: ProviderState): Promise<PaymentRow> {
    const payment = await this.settlement.settle(tx, paymentId, state);
    if (payment === null) throw new Error(`payment ${paymentId} has vanished`);
    return payment;
  }
}

const nothingNew: ProviderState = { state: 'unknown', reason: 'nothing_new' };

const isId = (text: string): boolean => idSchema.safeParse(text).success;

const isOwner = (actor: Actor, { customerId }: PaymentRow): boolean => customerId === actor.userId;

/** An approval that the customer has not given yet is withdrawn too. A void that staff asked for becomes more than that. */
const isToBeGivenBack = (payment: PaymentRow): boolean =>
  (holdsMoney(payment) || payment.status === 'requires_action') &&
  (!payment.isOwed || payment.giveBackReason === 'void_requested');

function answerOf(payment: PaymentRow): PaymentView | AppError {
  const { id: paymentId, status, declineReason: reason } = payment;
  if (status === 'declined') {
    return declined('payment_declined', 'The payment was declined.', { facts: { paymentId, reason } });
  }
  return isOrderGone(payment) ? orderGone(paymentId) : presentPayment(payment);
}

const isOrderGone = ({ giveBackReason }: PaymentRow): boolean =>
  giveBackReason === 'order_not_payable' || giveBackReason === 'order_cancelled' || giveBackReason === 'order_expired';

const orderGone = (paymentId: string): AppError =>
  conflict(
    'order_status_forbidden',
    'The order expired or was cancelled while it was being paid; the money goes back by itself.',
    {
      facts: { allowed: ['pending_payment'], paymentId },
    },
  );

/** What staff ask of an authorised payment. */
type Wish = {
  deed: string;
  /** How it is called when it is fulfilled; a refund may have followed. */
  ends: readonly PaymentStatus[];
  isPossible: (payment: PaymentRow) => boolean;
  /** Wished, and not fulfilled yet. */
  isOpen: (payment: PaymentRow) => boolean;
  make: (payment: PaymentRow) => PaymentRow;
};

const captureWish: Wish = {
  deed: 'payment.capture_requested',
  ends: ['captured', 'refunded'],
  isPossible: isCapturable,
  isOpen: ({ status, wantsCapture }) => status === 'authorized' && wantsCapture,
  make: (payment) => ({ ...payment, wantsCapture: true }),
};

/** Also of a payment that is to be captured: the last word counts. */
const voidWish: Wish = {
  deed: 'payment.void_requested',
  ends: ['voided'],
  isPossible: ({ status }) => status === 'authorized',
  isOpen: ({ status, isOwed }) => status === 'authorized' && isOwed,
  make: (payment) => owe(payment, 'void_requested'),
};

function wishAnswerOf(wish: Wish, payment: PaymentRow): PaymentView | AppError {
  if (wish.ends.includes(payment.status)) return presentPayment(payment);
  if (!wish.isOpen(payment)) return wishRefused(wish);
  return unavailable('provider_unavailable', 'The provider has not confirmed it yet.', { retryAfterSeconds: 5 });
}

const wishRefused = ({ ends: [end] }: Wish): AppError =>
  conflict('payment_status_forbidden', `Only an authorised payment can be ${end}, and none that is given back.`, {
    facts: { allowed: ['authorized'] },
  });

const paymentNotFound = (): AppError => notFound('payment_not_found', 'There is no such payment.');
