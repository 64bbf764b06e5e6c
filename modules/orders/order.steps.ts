// One step of the state table, whoever takes it: the order and its history change together, and the fact is told.
import type { Transaction } from '../../shared/database/database.ts';
import type { FactType, Payload } from '../../shared/events/facts.ts';
import type { Outbox } from '../../shared/events/outbox.ts';
import type { Actor } from '../../shared/http/actor.ts';
import { moveTo, type Action } from './order.ts';
import type { OrderRepository, OrderRow } from './order.repository.ts';

/** `actor`: null when a job or a payment does it. */
export type Circumstances = { actor: Actor | null; cancelReason?: string | null; fulfillmentId?: string };

type OrderFact = FactType & (`order.${string}` | `fulfillment.${string}`);

export class OrderSteps {
  private readonly repository: OrderRepository;
  private readonly outbox: Outbox;

  constructor({ repository, outbox }: { repository: OrderRepository; outbox: Outbox }) {
    this.repository = repository;
    this.outbox = outbox;
  }

  /** The caller holds the order's row, as it was locked. @throws conflict `order_status_forbidden`, `order_not_paid` */
  async take(tx: Transaction, order: OrderRow, action: Action, circumstances: Circumstances): Promise<OrderRow> {
    const { cancelReason = order.cancelReason } = circumstances;
    const moved = await this.repository.update(tx, order.id, { ...moveTo(action, order), cancelReason });
    await this.remember(tx, order, action, moved, circumstances);
    return moved;
  }

  /** A row of the order's history. */
  remember(
    tx: Transaction,
    { id, status: from }: OrderRow,
    action: Action | 'deliver',
    { status: to }: OrderRow,
    { actor, fulfillmentId }: Circumstances,
  ): Promise<void> {
    return this.repository.insertTransition(tx, { orderId: id, action, from, to, actor, fulfillmentId });
  }

  tell<Type extends OrderFact>(
    tx: Transaction,
    type: Type,
    { id, customerId }: OrderRow,
    more: Omit<Payload<Type>, 'orderId' | 'customerId'>,
  ): Promise<void> {
    return this.outbox.record(tx, type, id, { orderId: id, customerId, ...more } as Payload<Type>);
  }
}
