// What payments hold about a person: nothing that tells who it is, so there is nothing to forget, and all of it can be shown.
import type { Database } from '../../shared/database/database.ts';
import { everyOne } from '../../shared/domain/page.ts';
import { listOfCustomer } from './payment.repository.ts';
import { presentPayment, type PaymentView } from './payment.view.ts';

const EXPORT_PAGE = 100;

/** Fits the need of users. */
export class PaymentPrivacy {
  private readonly database: Database;

  constructor({ database }: { database: Database }) {
    this.database = database;
  }

  exportOf(userId: string): { payments: AsyncIterable<PaymentView> } {
    return { payments: everyOne((last) => this.page(userId, last?.id ?? null), EXPORT_PAGE) };
  }

  private async page(customerId: string, beforeId: string | null): Promise<PaymentView[]> {
    return (await listOfCustomer(this.database, { customerId, beforeId, limit: EXPORT_PAGE })).map(presentPayment);
  }
}
