// What can be wrong with payments: some that nobody asks about any more, and money of which its order does not know.
import type { Database } from '../../shared/database/database.ts';
import { FINDINGS_MAX, type Check, type Finding } from '../../shared/doctor/check.ts';
import type { Reconciliation } from './payment.reconciliation.ts';
import * as payments from './payment.repository.ts';
import type { Settlement } from './payment.settlement.ts';
import type { RefundReconciliation } from './refund.reconciliation.ts';

/** What the doctor needs of orders. */
export type AwaitingOrders = { findAwaitingPayment(): Promise<string[]> };

type Deps = {
  database: Database;
  providerName: string;
  orders: AwaitingOrders;
  settlement: Settlement;
  reconciliation: Reconciliation;
  refunds: RefundReconciliation;
};

export const paymentChecks = (deps: Deps): Check[] => [stuck(deps), unconfirmed(deps), stuckRefunds(deps)];

const stuck = ({ database, providerName, reconciliation }: Deps): Check => ({
  name: 'payments.stuck',
  about:
    'the provider should be asked about it, and is not: does payments.reconcile run, is its provider the chosen one?',
  find: async () => {
    const { rows } = await database.query<Finding>(
      `SELECT id AS subject, status || ' at ' || provider || ', to be asked about ' || coalesce('since ' || date_trunc('second', check_at)::text, 'never') AS detail
       FROM payments.payments
       WHERE (status IN ('processing', 'unknown', 'requires_action') OR is_owed OR wants_capture)
         AND (check_at IS NULL OR check_at < now() - interval '15 minutes') ORDER BY id LIMIT ${FINDINGS_MAX}`,
    );
    return rows;
  },
  fix: async (findings) => {
    for (const { subject: id } of findings) {
      if (await payments.planLook(database, id, providerName)) await reconciliation.reconcile(id);
    }
  },
});

const unconfirmed = ({ database, orders, settlement }: Deps): Check => ({
  name: 'payments.unconfirmed',
  about: 'money is there, and its order still waits for it',
  find: async () => {
    const { rows } = await database.query<Finding>(
      `SELECT id AS subject, status || ', order ' || order_id AS detail FROM payments.payments
       WHERE order_id = ANY ($1) AND status IN ('authorized', 'captured') AND NOT is_owed ORDER BY id LIMIT ${FINDINGS_MAX}`,
      [await orders.findAwaitingPayment()],
    );
    return rows;
  },
  fix: async (findings) => {
    for (const { subject: id } of findings)
      await database.transaction(async (tx) => settlement.confirmAgain(tx, await payments.mustLock(tx, id)));
  },
});

const stuckRefunds = ({ database, refunds }: Deps): Check => ({
  name: 'refunds.stuck',
  about: 'the provider should be asked about it, and is not: does payments.reconcile run?',
  find: async () => {
    const { rows } = await database.query<Finding>(
      `SELECT id AS subject, 'to be asked about since ' || date_trunc('second', check_at) AS detail FROM payments.refunds
       WHERE status = 'pending' AND check_at < now() - interval '15 minutes' ORDER BY id LIMIT ${FINDINGS_MAX}`,
    );
    return rows;
  },
  fix: () => refunds.reconcileDue(),
});
