// The use cases of orders: quote, place, read, cancel, expire, and what payments may ask of an order.
import { Batcher } from '../../shared/batching/batcher.ts';
import { isOutage } from '../../shared/database/database-errors.ts';
import type { Database, Transaction } from '../../shared/database/database.ts';
import type { Audit } from '../../shared/domain/audit.ts';
import { newId } from '../../shared/domain/ids.ts';
import type { Money } from '../../shared/domain/money.ts';
import { decodeCursor, toPage, type Page } from '../../shared/domain/page.ts';
import {
  AppError,
  conflict,
  forbidden,
  unauthenticated,
  unavailable,
  unprocessable,
} from '../../shared/errors/app-error.ts';
import type { Outbox } from '../../shared/events/outbox.ts';
import { may, type Actor } from '../../shared/http/actor.ts';
import { validationFailed } from '../../shared/http/parse.ts';
import { isInstant, isUuid, PAGE_LIMIT_DEFAULT } from '../../shared/http/schemas.ts';
import type { IdempotencyKey } from '../../shared/idempotency/idempotency-key.ts';
import { replayOf, type Idempotency, type Outcome } from '../../shared/idempotency/idempotency.ts';
import type { Count, Metrics } from '../../shared/metrics/metrics.ts';
import { orderNotFound, visible } from './order.access.ts';
import {
  isAllowed,
  quote,
  statusForbidden,
  type PaymentStatus,
  type Quote,
  type RequestedLine,
  type Variant,
} from './order.ts';
import type { NewOrder, OrderPlacement } from './order.placement.ts';
import type { LineRow, OrderRepository, OrderRow, WholeOrder } from './order.repository.ts';
import type { OrderSteps } from './order.steps.ts';
import type { CancelOrder, ListOrders, PlaceOrder } from './order.validation.ts';
import { presentOrder, presentOrders, presentQuote, type OrderView, type QuoteView } from './order.view.ts';

/** What orders need of the catalogue; in SQL also its function catalog.reserve_all (migrations/0005_together.sql). */
export type Catalog = {
  findForSale(skus: string[]): Promise<Variant[]>;
  /** As it was a moment ago: good enough to try. */
  recallForSale(skus: string[]): Promise<Variant[]>;
};
export type Stock = { release(tx: Transaction, orderId: string, lines: RequestedLine[]): Promise<void> };
/** What orders need of the users, when staff order for a customer. */
export type Customers = { isActive(userId: string): Promise<boolean> };

type Deps = {
  database: Database;
  repository: OrderRepository;
  outbox: Outbox;
  idempotency: Idempotency;
  catalog: Catalog;
  stock: Stock;
  customers: Customers;
  steps: OrderSteps;
  audit: Audit;
  metrics: Metrics;
  placement: OrderPlacement;
};

/** A price that changes between quote and placing is quoted again, but not for ever. */
const QUOTES_MAX = 3;
const EXPIRE_BATCH_MAX = 100;
/** Transactions of seven round trips each, which wait more than they work. */
const EXPIRE_AT_ONCE = 4;
const READS_BATCH_MAX = 64;

export class OrderService {
  private readonly deps: Deps;
  private readonly countStockRefusal: Count<never>;
  /** Those who ask while a read is under way are answered by the next: a trip to PostgreSQL costs more than what it brings. */
  private readonly reads: Batcher<string, WholeOrder | undefined>;

  constructor(deps: Deps) {
    this.deps = deps;
    this.reads = new Batcher({ run: (ids) => this.readAll(ids), max: READS_BATCH_MAX, isOfAll: isOutage });
    this.countStockRefusal = deps.metrics.counter({
      name: 'stock_refusals_total',
      help: 'Orders refused because less was available than was ordered',
      labels: {},
    });
  }

  async quote({ lines }: { lines: RequestedLine[] }): Promise<QuoteView> {
    return presentQuote(await this.quoteLines(lines));
  }

  /**
   * @throws malformed `duplicate_sku`; conflict `price_changed`; forbidden `permission_denied`; unavailable `prices_in_motion`;
   * unprocessable `insufficient_stock`, `unknown_sku`, `product_unavailable`, `mixed_currencies`, `total_too_large`, `customer_unknown`
   */
  place(actor: Actor, command: PlaceOrder, key: IdempotencyKey): Promise<Outcome<OrderView>> {
    const { idempotency, database } = this.deps;
    return idempotency.alone(key, () =>
      idempotency.orRememberRefusal(database, key, () => this.placeNow(actor, command, key)),
    );
  }

  private async placeNow(actor: Actor, command: PlaceOrder, key: IdempotencyKey): Promise<Outcome<OrderView>> {
    const customerId = await this.customerOf(actor, command.customerId);
    const recalled = await this.recallQuote(command);
    for (let quotes = 1; quotes <= QUOTES_MAX; quotes++) {
      const today = (quotes === 1 && recalled) || (await this.quoteAsExpected(command));
      const placed = await this.tryToPlace(this.newOrder(actor, customerId, command, today), command, key);
      if (placed !== 'changed') return placed;
    }
    throw unavailable('prices_in_motion', 'The prices are changing just now.', { retryAfterSeconds: 1 });
  }

  /** Saves a round trip: the statement that places compares the prices. Nobody is refused for what was a moment ago. */
  private async recallQuote({ lines, expectedTotal }: PlaceOrder): Promise<Quote | null> {
    const variants = await this.deps.catalog.recallForSale(lines.map(({ sku }) => sku));
    try {
      return requireExpectedTotal(quote(lines, variants), expectedTotal);
    } catch (error) {
      if (error instanceof AppError) return null;
      throw error;
    }
  }

  private async quoteAsExpected({ lines, expectedTotal }: PlaceOrder): Promise<Quote> {
    return requireExpectedTotal(await this.quoteLines(lines), expectedTotal);
  }

  private async tryToPlace(
    order: NewOrder,
    command: PlaceOrder,
    key: IdempotencyKey,
  ): Promise<Outcome<OrderView> | 'changed'> {
    const { placement, outbox } = this.deps;
    const fate = await placement.place(order, key);
    switch (fate.outcome) {
      case 'placed':
        outbox.recorded('order.placed');
        return { result: fate.view, replayed: false };
      case 'customer_gone':
        throw order.customerId === order.actor.userId ? accountGone() : customerUnknown();
      case 'changed':
        return 'changed';
      case 'short':
        this.countStockRefusal({});
        throw insufficientStock(command.lines, fate.lines);
      case 'replay':
      case 'reused':
      case 'resume':
      case 'in_progress':
        return replayOf<OrderView>({ state: fate.outcome, outcome: fate.stored }) ?? 'changed';
    }
  }

  private newOrder(actor: Actor, customerId: string, { shippingAddress, note }: PlaceOrder, today: Quote): NewOrder {
    return {
      id: newId(),
      customerId,
      actor,
      quote: today,
      shippingAddress: shippingAddress ?? null,
      note: note ?? null,
    };
  }

  private async quoteLines(lines: RequestedLine[]): Promise<Quote> {
    return quote(lines, await this.deps.catalog.findForSale(lines.map(({ sku }) => sku)));
  }

  /** Staff order for a customer, whom they name; everyone else for themselves. */
  private async customerOf(actor: Actor, customerId: string | undefined): Promise<string> {
    if (customerId === undefined || customerId === actor.userId) {
      if (may(actor, 'orders:own')) return actor.userId;
      throw validationFailed([
        { pointer: '/customerId', code: 'required', message: 'Name the customer for whom you order.' },
      ]);
    }
    if (!may(actor, 'orders:place')) throw forbidden('permission_denied', 'Only staff may order for somebody else.');
    if (await this.deps.customers.isActive(customerId)) return customerId;
    throw customerUnknown();
  }

  async list(actor: Actor, { limit = PAGE_LIMIT_DEFAULT, cursor, ...filter }: ListOrders): Promise<Page<OrderView>> {
    const { database, repository } = this.deps;
    const [placedAt, id] = cursor === undefined ? [] : decodeCursor(cursor, [isInstant, isUuid]);
    const ownerId = may(actor, 'orders:read') ? undefined : actor.userId;
    const before = placedAt === undefined || id === undefined ? undefined : { placedAt, id };
    const rows = await repository.list(database, { ...filter, ownerId, before, limit: limit + 1 });
    const { items, nextCursor } = toPage(rows, limit, (order) => [order.placedAt.toISOString(), order.id]);
    const lines = await repository.findLines(
      database,
      items.map(({ id }) => id),
    );
    return { items: presentOrders(items, lines), nextCursor };
  }

  /** @throws notFound `order_not_found`, also for somebody else's */
  async get(actor: Actor, id: string): Promise<OrderView> {
    const found = await this.reads.add(id);
    return presentOrder(visible(actor, found?.order ?? null, 'orders:read'), found?.lines ?? []);
  }

  private async readAll(ids: string[]): Promise<(WholeOrder | undefined)[]> {
    const found = await this.deps.repository.findWhole(this.deps.database, ids);
    const byId = new Map(found.map((one) => [one.order.id, one]));
    return ids.map((id) => byId.get(id));
  }

  /** @throws notFound `order_not_found`; conflict `order_status_forbidden` */
  cancel(actor: Actor, id: string, command: CancelOrder, key: IdempotencyKey): Promise<Outcome<OrderView>> {
    const { database, repository, idempotency, steps, audit } = this.deps;
    return idempotency.run(database, key, async (tx) => {
      const order = visible(actor, await repository.lock(tx, id), 'orders:cancel');
      const reason = command?.reason ?? null;
      const cancelled = await steps.take(tx, order, 'cancel', { actor, cancelReason: reason });
      const lines = await this.release(tx, order);
      await steps.tell(tx, 'order.cancelled', order, { reason });
      const [before, after] = [presentOrder(order, lines), presentOrder(cancelled, lines)];
      await audit.record(tx, { actor, action: 'order.cancelled', subject: { type: 'order', id }, before, after });
      return after;
    });
  }

  /** Expires orders whose reservation has run out, each by itself. @returns how many. @throws when one could not, once all were tried */
  async expireOverdue(): Promise<number> {
    const { database, repository } = this.deps;
    const overdue = await repository.findOverdue(database, EXPIRE_BATCH_MAX);
    const failures: unknown[] = [];
    const next = overdue.values();
    const expireNext = async () => {
      for (const id of next)
        await database.transaction((tx) => this.expire(tx, id)).catch((error: unknown) => failures.push(error));
    };
    await Promise.all(Array.from({ length: EXPIRE_AT_ONCE }, expireNext));
    if (failures.length === 0) return overdue.length;
    throw new Error(`${failures.length} of ${overdue.length} orders could not expire`, { cause: failures[0] });
  }

  /** Looks again under the lock: another process, or a payment, may have been faster. */
  private async expire(tx: Transaction, id: string): Promise<void> {
    const { repository, steps } = this.deps;
    const order = await repository.lock(tx, id);
    if (order === null || !order.isOverdue || !isAllowed('expire', order)) return;
    await steps.take(tx, order, 'expire', { actor: null });
    await this.release(tx, order);
    await steps.tell(tx, 'order.expired', order, {});
  }

  /**
   * For payments, in their transaction: locks an order that this customer may pay now.
   * @throws notFound `order_not_found`; conflict `order_status_forbidden`
   */
  async findPayable(
    tx: Transaction,
    actor: Actor,
    orderId: string,
  ): Promise<{ orderId: string; customerId: string; total: Money }> {
    const order = await this.deps.repository.lock(this.deps.database.join(tx), orderId);
    if (order === null || order.customerId !== actor.userId) throw orderNotFound();
    if (order.isOverdue) throw statusForbidden('expired', ['pending_payment']);
    if (!isAllowed('confirm', order)) throw statusForbidden(order.status, ['pending_payment']);
    return { orderId, customerId: order.customerId, total: { amount: order.totalAmount, currency: order.currency } };
  }

  /** For payments, in their transaction: money is there. 'not_payable': the order ended before it came. */
  async confirm(
    tx: Transaction,
    orderId: string,
    paymentStatus: 'authorized' | 'paid',
  ): Promise<'confirmed' | 'already' | 'not_payable'> {
    const { database, repository, steps } = this.deps;
    const own = database.join(tx);
    const order = await this.lockKnown(own, orderId);
    if (order.status === 'cancelled' || order.status === 'expired') return 'not_payable';
    if (!isAllowed('confirm', order)) {
      await repository.update(own, orderId, { ...order, paymentStatus });
      return 'already';
    }
    await steps.take(own, { ...order, paymentStatus }, 'confirm', { actor: null });
    await steps.tell(own, 'order.confirmed', order, { paymentStatus });
    return 'confirmed';
  }

  /** For payments, in their transaction: how its payment stands. */
  async recordPayment(tx: Transaction, orderId: string, paymentStatus: PaymentStatus): Promise<void> {
    const own = this.deps.database.join(tx);
    const order = await this.lockKnown(own, orderId);
    if (order.paymentStatus !== paymentStatus)
      await this.deps.repository.update(own, orderId, { ...order, paymentStatus });
  }

  /** For payments' doctor. */
  findAwaitingPayment(): Promise<string[]> {
    return this.deps.repository.findAwaitingPayment(this.deps.database);
  }

  /** For npm run stock:reconcile, in its snapshot: what open orders hold of each SKU. */
  findReserved(tx: Transaction): Promise<{ sku: string; quantity: number }[]> {
    return this.deps.repository.findReserved(this.deps.database.join(tx));
  }

  /** For payments, in their transaction: what of it was ordered, paid and sent. @throws notFound `order_not_found` */
  async findRefundable(
    tx: Transaction,
    orderId: string,
  ): Promise<{
    lines: { lineId: string; sku: string; quantity: number; shippedQuantity: number; totalMinor: number }[];
  }> {
    const lines = await this.deps.repository.findLines(this.deps.database.join(tx), [orderId]);
    if (lines.length === 0) throw orderNotFound();
    return {
      lines: lines.map(
        ({ id: lineId, sku, quantity, fulfilledQuantity: shippedQuantity, totalAmount: totalMinor }) => ({
          lineId,
          sku,
          quantity,
          shippedQuantity,
          totalMinor,
        }),
      ),
    };
  }

  /** @throws notFound `order_not_found` unless this actor may see it */
  async requireVisible(actor: Actor, orderId: string): Promise<void> {
    visible(actor, await this.deps.repository.find(this.deps.database, orderId), 'orders:read');
  }

  private async lockKnown(tx: Transaction, orderId: string): Promise<OrderRow> {
    const order = await this.deps.repository.lock(tx, orderId);
    if (order === null) throw new Error(`a payment names order ${orderId}, which is not there`);
    return order;
  }

  /** What an ended order had reserved is free again. */
  private async release(tx: Transaction, { id }: OrderRow): Promise<LineRow[]> {
    const lines = await this.deps.repository.findLines(tx, [id]);
    await this.deps.stock.release(tx, id, lines);
    return lines;
  }
}

function customerUnknown() {
  const fault = {
    pointer: '/customerId',
    code: 'customer_unknown',
    message: 'There is no active account with this id.',
  };
  return unprocessable('customer_unknown', fault.message, { faults: [fault] });
}

const accountGone = () => unauthenticated('token_invalid', 'The account of this token is gone.');

function requireExpectedTotal(today: Quote, expected: Money | undefined): Quote {
  const { totalAmount, currency } = today;
  if (expected === undefined || (expected.amount === totalAmount && expected.currency === currency)) return today;
  throw conflict('price_changed', 'The total is not the one you expected.', {
    facts: { total: { amount: totalAmount, currency } },
  });
}

function insufficientStock(lines: RequestedLine[], short: { sku: string; available: number }[]) {
  const available = new Map(short.map((line) => [line.sku, line.available]));
  const faults = lines.flatMap(({ sku }, i) =>
    available.has(sku)
      ? [
          {
            pointer: `/lines/${i}/quantity`,
            code: 'insufficient_stock',
            message: 'Less is available.',
            available: available.get(sku),
          },
        ]
      : [],
  );
  return unprocessable('insufficient_stock', 'Less is available than was ordered.', { faults });
}
