// The use cases of the timeline: read what happened to an order, and note what payments tell.
import type { Database } from '../../shared/database/database.ts';
import { decodeCursor, toPage, type Page } from '../../shared/domain/page.ts';
import { may, type Actor } from '../../shared/http/actor.ts';
import { PAGE_LIMIT_DEFAULT } from '../../shared/http/schemas.ts';
import { visible } from './order.access.ts';
import type { OrderRepository } from './order.repository.ts';
import type { HeardPayment, TimelineRepository } from './timeline.repository.ts';
import type { GetTimeline } from './timeline.validation.ts';
import { presentEntry, type TimelineEntryView } from './timeline.view.ts';

type Deps = { database: Database; orders: OrderRepository; timeline: TimelineRepository };

export class TimelineService {
  private readonly deps: Deps;

  constructor(deps: Deps) {
    this.deps = deps;
  }

  /** Oldest first. @throws notFound `order_not_found`; malformed `cursor_invalid` */
  async list(
    actor: Actor,
    orderId: string,
    { limit = PAGE_LIMIT_DEFAULT, cursor }: GetTimeline,
  ): Promise<Page<TimelineEntryView>> {
    const { database, orders, timeline } = this.deps;
    const [afterSeq = '0'] = cursor === undefined ? [] : decodeCursor(cursor, [isSeq]);
    const { customerId } = visible(actor, await orders.find(database, orderId), 'orders:read');
    const rows = await timeline.list(database, { orderId, afterSeq, limit: limit + 1 });
    const { items, nextCursor } = toPage(rows, limit, ({ seq }) => [seq]);
    const isForStaff = may(actor, 'orders:read');
    return { items: items.map((row) => presentEntry(row, customerId, { isForStaff })), nextCursor };
  }

  /** Told again it changes nothing: the event's id is the key. */
  async notePayment(heard: HeardPayment): Promise<void> {
    const { database, orders, timeline } = this.deps;
    await database.transaction(async (tx) => {
      await orders.lock(tx, heard.orderId);
      await timeline.insertPayment(tx, heard);
    });
  }
}

/** Of a cursor, which comes from outside: below 2^63. */
const isSeq = (text: string): boolean => /^\d{1,18}$/.test(text);
