// The test provider's own books: every statement commits by itself, as in another company's house.
import type { Database } from '../../../shared/database/database.ts';

type ChargeStatus = 'processing' | 'requires_action' | 'authorized' | 'captured' | 'voided' | 'declined' | 'refunded';

export type ChargeRow = {
  id: string;
  status: ChargeStatus;
  amountMinor: number;
  currency: string;
  captures: boolean;
  capturedMinor: number;
  refundedMinor: number;
  declineReason: string | null;
};

export type NewCharge = Pick<ChargeRow, 'id' | 'status' | 'amountMinor' | 'currency' | 'captures' | 'declineReason'> & {
  /** Null: only when somebody says so. */
  settlesInMs: number | null;
};

const approved = `status = CASE WHEN captures THEN 'captured' ELSE 'authorized' END,
  captured_minor = CASE WHEN captures THEN amount_minor ELSE 0 END`;

export class TestProviderBooks {
  private readonly database: Database;

  constructor(database: Database) {
    this.database = database;
  }

  /** False when a charge with this id exists: the first one counts. */
  async insertCharge({
    id,
    status,
    amountMinor,
    currency,
    captures,
    declineReason,
    settlesInMs,
  }: NewCharge): Promise<boolean> {
    const { rowCount } = await this.database.query(
      `INSERT INTO payments.test_provider_charges
         (id, status, amount_minor, currency, captures, captured_minor, decline_reason, settles_at)
       VALUES ($1, $2, $3, $4, $5, CASE WHEN $2 = 'captured' THEN $3::bigint ELSE 0 END, $6, now() + $7::bigint * interval '1 ms')
       ON CONFLICT (id) DO NOTHING`,
      [id, status, amountMinor, currency, captures, declineReason, settlesInMs],
    );
    return rowCount === 1;
  }

  /** A slow charge whose time has come has succeeded, whether or not anybody told. */
  async findCharge(id: string): Promise<ChargeRow | null> {
    await this.database.query(
      `UPDATE payments.test_provider_charges SET ${approved} WHERE id = $1 AND status = 'processing' AND settles_at <= now()`,
      [id],
    );
    const { rows } = await this.database.query<Columns>(
      `SELECT id, status, amount_minor, currency, captures, captured_minor, refunded_minor, decline_reason
       FROM payments.test_provider_charges WHERE id = $1`,
      [id],
    );
    const [row] = rows;
    return row === undefined ? null : toCharge(row);
  }

  /** False when there was nothing to decide. */
  async decideCharge(id: string, decision: 'approve' | 'decline'): Promise<boolean> {
    const { rowCount } = await this.database.query(
      decision === 'approve'
        ? `UPDATE payments.test_provider_charges SET ${approved} WHERE id = $1 AND status = 'requires_action'`
        : `UPDATE payments.test_provider_charges SET status = 'declined', decline_reason = 'customer_declined'
           WHERE id = $1 AND status = 'requires_action'`,
      [id],
    );
    return rowCount === 1;
  }

  async captureCharge(id: string, amountMinor: number): Promise<void> {
    await this.database.query(
      `UPDATE payments.test_provider_charges SET status = 'captured', captured_minor = $2
       WHERE id = $1 AND status = 'authorized' AND $2 <= amount_minor`,
      [id, amountMinor],
    );
  }

  async voidCharge(id: string): Promise<void> {
    await this.database.query(
      `UPDATE payments.test_provider_charges SET status = 'voided'
       WHERE id = $1 AND status IN ('processing', 'requires_action', 'authorized')`,
      [id],
    );
  }

  /** A refund id that is known changes nothing. False when more would go back than was captured. */
  async refundCharge(refundId: string, chargeId: string, amountMinor: number): Promise<boolean> {
    return this.database.transaction(async (tx) => {
      // Locked first, so that two refunds do not both fit.
      await tx.query(`SELECT id FROM payments.test_provider_charges WHERE id = $1 FOR UPDATE`, [chargeId]);
      const known = await tx.query(`SELECT id FROM payments.test_provider_refunds WHERE id = $1`, [refundId]);
      if (known.rowCount === 1) return true;
      const fitting = await tx.query(
        `UPDATE payments.test_provider_charges
         SET refunded_minor = refunded_minor + $2, status = CASE WHEN refunded_minor + $2 = captured_minor THEN 'refunded' ELSE status END
         WHERE id = $1 AND status = 'captured' AND refunded_minor + $2 <= captured_minor`,
        [chargeId, amountMinor],
      );
      if (fitting.rowCount === 0) return false;
      await tx.query(`INSERT INTO payments.test_provider_refunds (id, charge_id, amount_minor) VALUES ($1, $2, $3)`, [
        refundId,
        chargeId,
        amountMinor,
      ]);
      return true;
    });
  }
}

type Columns = {
  id: string;
  status: ChargeStatus;
  amount_minor: string;
  currency: string;
  captures: boolean;
  captured_minor: string;
  refunded_minor: string;
  decline_reason: string | null;
};

const toCharge = (row: Columns): ChargeRow => ({
  id: row.id,
  status: row.status,
  amountMinor: Number(row.amount_minor),
  currency: row.currency,
  captures: row.captures,
  capturedMinor: Number(row.captured_minor),
  refundedMinor: Number(row.refunded_minor),
  declineReason: row.decline_reason,
});
