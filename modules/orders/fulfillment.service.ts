// The use cases of fulfillments: send a part of an order, see what was sent, and note that it has arrived.
import type { Database, Transaction } from '../../shared/database/database.ts';
import type { Audit } from '../../shared/domain/audit.ts';
import { newId } from '../../shared/domain/ids.ts';
import { decodeCursor, toPage, type Page } from '../../shared/domain/page.ts';
import { notFound } from '../../shared/errors/app-error.ts';
import type { Actor } from '../../shared/http/actor.ts';
import { isUuid, PAGE_LIMIT_DEFAULT } from '../../shared/http/schemas.ts';
import type { IdempotencyKey } from '../../shared/idempotency/idempotency-key.ts';
import type { Idempotency, Outcome } from '../../shared/idempotency/idempotency.ts';
import type { FulfillmentRepository, FulfillmentRow } from './fulfillment.repository.ts';
import { isComplete, partsToSend, requireUnderWay, stepOf } from './fulfillment.ts';
import type { FulfilOrder, ListFulfillments } from './fulfillment.validation.ts';
import { presentFulfillment, type FulfillmentView } from './fulfillment.view.ts';
import { visible } from './order.access.ts';
import { requireAllowed } from './order.ts';
import type { OrderRepository, OrderRow } from './order.repository.ts';

import type { OrderSteps } from './order.steps.ts';

/** What fulfillments need of the stock: what was reserved leaves the house. */
export type Warehouse = {
  ship(tx: Transaction, orderId: string, lines: { sku: string; quantity: number }[]): Promise<void>;
};

type Deps = {
  database: Database;
  orders: OrderRepository;
  fulfillments: FulfillmentRepository;
  steps: OrderSteps;
  idempotency: Idempotency;
  stock: Warehouse;
  audit: Audit;
};

export class FulfillmentService {
  private readonly deps: Deps;

  constructor(deps: Deps) {
    this.deps = deps;
  }

  /**
   * @throws malformed `duplicate_line`; notFound `order_not_found`; conflict `order_status_forbidden`, `order_not_paid`;
   * unprocessable `unknown_line`, `fulfillment_exceeds_ordered`
   */
  fulfil(actor: Actor, orderId: string, command: FulfilOrder, key: IdempotencyKey): Promise<Outcome<FulfillmentView>> {
    return this.deps.idempotency.run(this.deps.database, key, async (tx) => {
      // Under the order's lock: two that send at once see each other's parts.
      const order = visible(actor, await this.deps.orders.lock(tx, orderId), 'orders:fulfill');
      return this.send(tx, actor, order, command);
    });
  }

  private async send(tx: Transaction, actor: Actor, order: OrderRow, command: FulfilOrder): Promise<FulfillmentView> {
    const { orders, fulfillments, steps, stock, audit } = this.deps;
    requireAllowed('fulfil', order);
    const lines = await orders.findLines(tx, [order.id]);
    const parts = partsToSend(lines, command?.lines);
    const { carrier = null, trackingNumber = null } = command ?? {};
    const sent = await fulfillments.insert(tx, { id: newId(), orderId: order.id, carrier, trackingNumber }, parts);
    const moved = await steps.take(tx, order, stepOf(lines, parts), { actor, fulfillmentId: sent.id });
    await stock.ship(tx, order.id, parts);
    await steps.tell(tx, 'fulfillment.created', order, { fulfillmentId: sent.id });
    if (moved.status === 'fulfilled') await steps.tell(tx, 'order.fulfilled', order, {});
    const after = presentFulfillment(sent, parts);
    await audit.record(tx, { actor, action: 'fulfillment.created', subject: subjectOf(sent), after });
    return after;
  }

  /** @throws notFound `order_not_found`; malformed `cursor_invalid` */
  async list(
    actor: Actor,
    orderId: string,
    { limit = PAGE_LIMIT_DEFAULT, cursor }: ListFulfillments,
  ): Promise<Page<FulfillmentView>> {
    const { database, orders, fulfillments } = this.deps;
    const [afterId = null] = cursor === undefined ? [] : decodeCursor(cursor, [isUuid]);
    visible(actor, await orders.find(database, orderId), 'orders:read');
    const rows = await fulfillments.list(database, { orderId, afterId, limit: limit + 1 });
    const { items, nextCursor } = toPage(rows, limit, ({ id }) => [id]);
    return { items: await this.present(items), nextCursor };
  }

  private async present(rows: FulfillmentRow[]): Promise<FulfillmentView[]> {
    const { database, fulfillments } = this.deps;
    const parts = await fulfillments.findParts(
      database,
      rows.map(({ id }) => id),
    );
    return rows.map((row) =>
      presentFulfillment(
        row,
        parts.filter(({ fulfillmentId }) => fulfillmentId === row.id),
      ),
    );
  }

  /** @throws notFound `fulfillment_not_found`; conflict `fulfillment_status_forbidden` */
  deliver(actor: Actor, id: string, key: IdempotencyKey): Promise<Outcome<FulfillmentView>> {
    return this.deps.idempotency.run(this.deps.database, key, async (tx) => {
      const { order, parcel } = await this.lockWithOrder(tx, id);
      requireUnderWay(parcel);
      return this.arrive(tx, actor, order, parcel);
    });
  }

  /** The order is locked first, as everywhere, so the fulfillment is read again once nobody else can change it. */
  private async lockWithOrder(tx: Transaction, id: string): Promise<{ order: OrderRow; parcel: FulfillmentRow }> {
    const { orders, fulfillments } = this.deps;
    const found = await fulfillments.find(tx, id);
    const order = found && (await orders.lock(tx, found.orderId));
    const parcel = await fulfillments.find(tx, id);
    if (order === null || parcel === null) throw notFound('fulfillment_not_found', 'There is no such fulfillment.');
    return { order, parcel };
  }

  private async arrive(
    tx: Transaction,
    actor: Actor,
    order: OrderRow,
    parcel: FulfillmentRow,
  ): Promise<FulfillmentView> {
    const { fulfillments, steps, audit } = this.deps;
    const parts = await fulfillments.findParts(tx, [parcel.id]);
    const delivered = await fulfillments.deliver(tx, parcel.id);
    const circumstances = { actor, fulfillmentId: parcel.id };
    if (isComplete(order, await fulfillments.countUnderWay(tx, order.id))) {
      await steps.take(tx, order, 'complete', circumstances);
      await steps.tell(tx, 'order.completed', order, {});
    } else await steps.remember(tx, order, 'deliver', order, circumstances);
    const [before, after] = [presentFulfillment(parcel, parts), presentFulfillment(delivered, parts)];
    await audit.record(tx, { actor, action: 'fulfillment.delivered', subject: subjectOf(parcel), before, after });
    return after;
  }
}

const subjectOf = ({ id }: FulfillmentRow) => ({ type: 'fulfillment', id });
