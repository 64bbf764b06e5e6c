// The use case of exports: every order that fits, as text, batch by batch.
import type { Connection, Database } from '../../shared/database/database.ts';
import type { Audit } from '../../shared/domain/audit.ts';
import { unavailable } from '../../shared/errors/app-error.ts';
import type { Actor } from '../../shared/http/actor.ts';
import { formats, type ContentType } from './export.ts';
import type { ExportOrders } from './export.validation.ts';
import type { OrderRepository } from './order.repository.ts';
import { presentOrders } from './order.view.ts';

type Deps = { database: Database; orders: OrderRepository; audit: Audit };

/** Each holds a connection for as long as its reader takes: two of the ten of a pool. */
const EXPORTS_MAX = 2;
/** What is in memory at a time: 50 orders with their lines are about 50 kB. */
const BATCH_SIZE = 50;

export class ExportService {
  private readonly deps: Deps;
  private underWay = 0;

  constructor(deps: Deps) {
    this.deps = deps;
  }

  /** A read by staff of much data, so it is audited. @throws unavailable `exports_busy` */
  async *export(actor: Actor, contentType: ContentType, filter: ExportOrders): AsyncGenerator<string> {
    if (this.underWay >= EXPORTS_MAX)
      throw unavailable('exports_busy', 'Other exports are under way.', { retryAfterSeconds: 10 });
    this.underWay += 1;
    try {
      await this.record(actor, contentType, filter);
      yield* this.deps.database.snapshot((look) => this.read(look, contentType, filter));
    } finally {
      this.underWay -= 1;
    }
  }

  private record(actor: Actor, contentType: ContentType, filter: ExportOrders): Promise<void> {
    const { database, audit } = this.deps;
    const after = { contentType, ...filter };
    return database.transaction((tx) =>
      audit.record(tx, { actor, action: 'order.exported', subject: { type: 'order', id: null }, after }),
    );
  }

  private async *read(look: Connection, contentType: ContentType, filter: ExportOrders): AsyncGenerator<string> {
    const { orders } = this.deps;
    const { head, recordOf } = formats[contentType];
    yield head;
    for await (const batch of orders.readAll(look, filter, BATCH_SIZE)) {
      const lines = await orders.findLines(
        look,
        batch.map(({ id }) => id),
      );
      yield presentOrders(batch, lines).map(recordOf).join('');
    }
  }
}
