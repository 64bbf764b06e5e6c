// What orders hold about a person: whether something is still open, forgetting it, and showing all of it.
import type { Database, Transaction } from '../../shared/database/database.ts';
import { everyOne } from '../../shared/domain/page.ts';
import type { OrderRepository } from './order.repository.ts';
import { presentOrder, type OrderView } from './order.view.ts';

type Needs = { database: Database; repository: OrderRepository };

const EXPORT_PAGE = 100;

/** Fits the need of users: an account is deleted only with what its orders hold. */
export class OrderPrivacy {
  private readonly needs: Needs;

  constructor(needs: Needs) {
    this.needs = needs;
  }

  async hasOpenBusiness(tx: Transaction, userId: string): Promise<boolean> {
    const { database, repository } = this.needs;
    return repository.hasOpen(database.join(tx), userId);
  }

  async anonymise(tx: Transaction, userId: string): Promise<void> {
    const { database, repository } = this.needs;
    await repository.anonymise(database.join(tx), userId);
  }

  exportOf(userId: string): { orders: AsyncIterable<OrderView> } {
    return { orders: everyOne((last) => this.page(userId, last), EXPORT_PAGE) };
  }

  private async page(ownerId: string, last: OrderView | null): Promise<OrderView[]> {
    const { database, repository } = this.needs;
    const orders = await repository.list(database, { ownerId, before: last ?? undefined, limit: EXPORT_PAGE });
    const lines = await repository.findLines(
      database,
      orders.map(({ id }) => id),
    );
    return orders.map((order) =>
      presentOrder(
        order,
        lines.filter(({ orderId }) => orderId === order.id),
      ),
    );
  }
}
