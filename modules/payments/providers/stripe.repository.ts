// Which payment intent of Stripe's belongs to which payment: written before the intent can charge anything.
import type { Database } from '../../../shared/database/database.ts';

export class StripeIntents {
  private readonly database: Database;

  constructor(database: Database) {
    this.database = database;
  }

  /** The first one counts. @returns the one that is kept */
  async insert(paymentId: string, intentId: string): Promise<string> {
    await this.database.query(
      `INSERT INTO payments.stripe_intents (payment_id, intent_id) VALUES ($1, $2) ON CONFLICT DO NOTHING`,
      [paymentId, intentId],
    );
    const kept = await this.find(paymentId);
    if (kept === null) throw new Error(`intent ${intentId} belongs to another payment than ${paymentId}`);
    return kept;
  }

  async find(paymentId: string): Promise<string | null> {
    const { rows } = await this.database.query<{ intent_id: string }>(
      `SELECT intent_id FROM payments.stripe_intents WHERE payment_id = $1`,
      [paymentId],
    );
    return rows[0]?.intent_id ?? null;
  }

  async findPayment(intentId: string): Promise<string | null> {
    const { rows } = await this.database.query<{ payment_id: string }>(
      `SELECT payment_id FROM payments.stripe_intents WHERE intent_id = $1`,
      [intentId],
    );
    return rows[0]?.payment_id ?? null;
  }
}
