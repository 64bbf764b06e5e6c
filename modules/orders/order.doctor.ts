// What can be wrong with orders: reservations that nobody gave back, totals that are not the sum of the lines.
import type { Database, Transaction } from '../../shared/database/database.ts';
import { FINDINGS_MAX, type Check, type Finding } from '../../shared/doctor/check.ts';
import type { Audit } from '../../shared/domain/audit.ts';
import type { OrderRepository } from './order.repository.ts';
import type { OrderService } from './order.service.ts';
import { presentOrder } from './order.view.ts';

type Held = { orderId: string; sku: string; quantity: number };
/** What the doctor needs of the catalogue: what its ledger says that orders have reserved. */
export type Ledger = {
  findHeld(tx: Transaction, orderId: string | null): Promise<Held[]>;
  release(tx: Transaction, orderId: string, lines: { sku: string; quantity: number }[]): Promise<void>;
};

type Deps = { database: Database; repository: OrderRepository; service: OrderService; ledger: Ledger; audit: Audit };

export const orderChecks = (deps: Deps): Check[] => [overdue(deps), reservations(deps), totals(deps)];

const overdue = ({ database, service }: Deps): Check => ({
  name: 'orders.overdue',
  about: 'the time to pay is over, and the stock is still held: does orders.expire run?',
  find: async () => {
    const { rows } = await database.query<Finding>(
      `SELECT id AS subject, 'ran out ' || date_trunc('second', expires_at) AS detail FROM orders.orders
       WHERE status = 'pending_payment' AND expires_at < now() - interval '1 minute' ORDER BY expires_at LIMIT ${FINDINGS_MAX}`,
    );
    return rows;
  },
  fix: async () => {
    while ((await service.expireOverdue()) > 0);
  },
});

const reservations = (deps: Deps): Check => ({
  name: 'orders.reservations',
  about: 'the ledger of the stock and an order do not agree on what it has reserved',
  find: () =>
    deps.database.transaction(async (tx) => {
      // One moment for both modules, or each order placed in between would look like a difference.
      await tx.query('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY');
      const differences = differencesOf(await deps.ledger.findHeld(tx, null), await findHeld(tx, null));
      return differences.map(({ orderId, sku, ledger, order }) => ({
        subject: orderId,
        detail: `the ledger holds ${ledger} of ${sku} for it, it wants ${order}`,
      }));
    }),
  fix: async (findings) => {
    for (const orderId of new Set(findings.map(({ subject }) => subject))) await releaseLeaked(deps, orderId);
  },
});

/** Only what is held too much: to hold more would be to sell what may be gone. */
async function releaseLeaked({ database, repository, ledger, audit }: Deps, orderId: string): Promise<void> {
  await database.transaction(async (tx) => {
    await repository.lock(tx, orderId);
    const differences = differencesOf(await ledger.findHeld(tx, orderId), await findHeld(tx, orderId));
    const leaked = differences.flatMap(({ sku, ledger: held, order }) =>
      held > order ? [{ sku, quantity: held - order }] : [],
    );
    if (leaked.length === 0) return;
    await ledger.release(tx, orderId, leaked);
    const subject = { type: 'order', id: orderId };
    await audit.record(tx, { actor: null, action: 'order.reservation_released', subject, after: { lines: leaked } });
  });
}

type Difference = { orderId: string; sku: string; ledger: number; order: number };

function differencesOf(ledger: Held[], orders: Held[]): Difference[] {
  const byKey = new Map<string, Difference>();
  const at = ({ orderId, sku }: Held): Difference => {
    const key = `${orderId} ${sku}`;
    const known = byKey.get(key) ?? { orderId, sku, ledger: 0, order: 0 };
    byKey.set(key, known);
    return known;
  };
  for (const held of ledger) at(held).ledger += held.quantity;
  for (const held of orders) at(held).order += held.quantity;
  return [...byKey.values()].filter((one) => one.ledger !== one.order).slice(0, FINDINGS_MAX);
}

/** What open orders want to have reserved. */
async function findHeld(tx: Transaction, orderId: string | null): Promise<Held[]> {
  const { rows } = await tx.query<Held>(
    `SELECT o.id AS "orderId", l.sku, sum(l.quantity - l.fulfilled_quantity)::int AS quantity
     FROM orders.orders o JOIN orders.lines l ON l.order_id = o.id
     WHERE o.status IN ('pending_payment', 'confirmed') AND ($1::uuid IS NULL OR o.id = $1) GROUP BY o.id, l.sku`,
    [orderId],
  );
  return rows;
}

const totals = ({ database, repository, audit }: Deps): Check => ({
  name: 'orders.totals',
  about: 'the total is not the sum of the lines; where money is involved a person has to decide',
  find: async () => {
    const { rows } = await database.query<Finding>(
      `SELECT o.id AS subject, 'total ' || o.total_amount || ', lines ' || coalesce(sum(l.total_amount), 0) || ' ' || o.currency || ', ' || o.payment_status AS detail
       FROM orders.orders o LEFT JOIN orders.lines l ON l.order_id = o.id GROUP BY o.id
       HAVING o.subtotal_amount <> coalesce(sum(l.total_amount - l.tax_amount), 0) OR o.tax_amount <> coalesce(sum(l.tax_amount), 0)
       ORDER BY o.id LIMIT ${FINDINGS_MAX}`,
    );
    return rows;
  },
  fix: async (findings) => {
    for (const { subject: id } of findings) await database.transaction((tx) => sumAgain(tx, { repository, audit }, id));
  },
});

/** Nobody has paid it, or is about to: what it costs is what its lines cost. */
async function sumAgain(tx: Transaction, { repository, audit }: Pick<Deps, 'repository' | 'audit'>, id: string) {
  const order = await repository.lock(tx, id);
  if (order === null || order.paymentStatus !== 'unpaid') return;
  const lines = await repository.findLines(tx, [id]);
  const after = await repository.sumAgain(tx, id);
  const views = { before: presentOrder(order, lines), after: presentOrder(after, lines) };
  await audit.record(tx, { actor: null, action: 'order.total_corrected', subject: { type: 'order', id }, ...views });
}
