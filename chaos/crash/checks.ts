// What must hold after a crash, a restart and two retries; and whether everything has come to rest.
import type { Answer } from './client.ts';
import type { Sql } from './sql.ts';
import { TOTAL, type Outcome } from './scenarios.ts';

export type Case = {
  outcome: Outcome;
  key: string;
  /** Else a repeat is harmless by itself: nothing is stored, nothing marked as replayed. */
  isKeyed: boolean;
  sku: string;
  note: string;
  startedAt: Date;
  /** The notes of orders that were placed at the same moment: there is one of each in the end. */
  company: string[];
  /** Those that came, oldest first: the killed request's, if it was answered before, and both retries'. */
  answers: Answer[];
};

/** @returns what is still under way, in words; nothing when all has come to its end. */
export async function findUnrest(sql: Sql, { key, note }: Pick<Case, 'key' | 'note'>): Promise<string[]> {
  const rows = await sql<{ unrest: string }>(
    `WITH mine AS (SELECT id, payment_status FROM orders.orders WHERE note = $2)
     SELECT 'the key has no outcome' AS unrest FROM idempotency.keys WHERE key = $1 AND outcome IS NULL
     UNION ALL SELECT 'a delivery is ' || status FROM events.deliveries WHERE status <> 'delivered' AND aggregate_id IN (SELECT id FROM mine)
     UNION ALL SELECT 'a payment is ' || status || CASE WHEN is_owed THEN ' and owed' ELSE '' END FROM payments.payments
       WHERE (status IN ('processing', 'unknown', 'requires_action') OR is_owed) AND order_id IN (SELECT id FROM mine)
     UNION ALL SELECT 'a refund is pending' FROM payments.refunds WHERE status = 'pending' AND order_id IN (SELECT id FROM mine)
     UNION ALL SELECT 'the order is ' || payment_status FROM mine WHERE payment_status IN ('processing', 'void_pending', 'refund_pending')
     UNION ALL SELECT 'a transaction is open' FROM pg_stat_activity WHERE application_name = 'waybill' AND state <> 'idle' AND datname = current_database()`,
    [key, note],
  );
  return rows.map(({ unrest }) => unrest);
}

export async function findViolations(sql: Sql, one: Case): Promise<string[]> {
  const orders = await sql<OrderRow>(
    `SELECT o.id, o.status, o.payment_status AS "paymentStatus", o.total_amount::int AS total,
       (SELECT sum(l.total_amount)::int FROM orders.lines l WHERE l.order_id = o.id) AS "linesTotal",
       ARRAY(SELECT t.action FROM orders.transitions t WHERE t.order_id = o.id AND t.action NOT LIKE '%.%' ORDER BY t.seq) AS steps,
       ARRAY(SELECT t.action FROM orders.transitions t WHERE t.order_id = o.id AND t.action LIKE 'payment.%' ORDER BY t.seq) AS heard,
       ARRAY(SELECT f.type FROM events.outbox f WHERE f.aggregate_id = o.id ORDER BY f.seq) AS facts
     FROM orders.orders o WHERE o.note = $1`,
    [one.note],
  );
  const [order] = orders;
  if (order === undefined || orders.length > 1) return [`${orders.length} orders for one key`];
  return [
    ...judgeAnswers(one),
    ...judgeOrder(one.outcome, order),
    ...(await judgeMoney(sql, one, order)),
    ...(await judgeStock(sql, one)),
    ...(await judgeKey(sql, one)),
    ...(await judgeCompany(sql, one)),
  ];
}

type OrderRow = {
  id: string;
  status: string;
  paymentStatus: string;
  total: number;
  linesTotal: number;
  steps: string[];
  /** What its history has of its payments. */
  heard: string[];
  facts: string[];
};

function judgeAnswers({ answers, outcome, isKeyed }: Case): string[] {
  const [first] = answers;
  const told = (answer: Answer | undefined) => `${answer?.status} ${JSON.stringify(answer?.body)}`;
  return [
    ...answers.flatMap((answer) =>
      answer.status === outcome.answer ? [] : [`answered ${told(answer)} instead of ${outcome.answer}`],
    ),
    ...answers.flatMap((answer) =>
      told(answer) === told(first) ? [] : [`answered ${told(answer)} after ${told(first)}`],
    ),
    ...same('the last retry is marked as replayed', answers.at(-1)?.replayed, isKeyed),
  ];
}

function judgeOrder(
  outcome: Outcome,
  { status, paymentStatus, total, linesTotal, steps, heard, facts }: OrderRow,
): string[] {
  return [
    ...same('order', { status, paymentStatus }, outcome.order),
    ...same('its steps', steps, outcome.steps),
    ...same('its facts', facts, outcome.facts),
    ...same(
      'its history of payments',
      heard,
      outcome.facts.filter((type) => type.startsWith('payment.')),
    ),
    ...same('its total', total, TOTAL),
    ...same('the sum of its lines', linesTotal, TOTAL),
  ];
}

type Books = { status: string; captured: number; refunded: number };

/** The provider's charges are found by their time, not by our payments' ids: one that nobody here knows of is the worst. */
async function judgeMoney(sql: Sql, { outcome, startedAt }: Case, { id }: OrderRow): Promise<string[]> {
  const charges = await sql<Books>(
    `SELECT status, captured_minor::int AS captured, refunded_minor::int AS refunded FROM payments.test_provider_charges WHERE created_at >= $1`,
    [startedAt],
  );
  const payments = await sql<Books>(
    `SELECT status, captured_minor::int AS captured, refunded_minor::int AS refunded FROM payments.payments WHERE order_id = $1`,
    [id],
  );
  const refunds = await sql<{ ours: number; theirs: number }>(
    `SELECT (SELECT count(*)::int FROM payments.refunds WHERE order_id = $1) AS ours,
       (SELECT count(*)::int FROM payments.test_provider_refunds WHERE created_at >= $2) AS theirs`,
    [id, startedAt],
  );
  const paid = charges.reduce((sum, { captured, refunded }) => sum + captured - refunded, 0);
  const count = outcome.refunded === 0 ? 0 : 1;
  return [
    ...same('charges at the provider', charges.map(({ status }) => status), outcome.charge === null ? [] : [outcome.charge]), // prettier-ignore
    ...same('our books of them', payments, charges),
    ...same('money held', paid, outcome.captured - outcome.refunded),
    ...same('refunds', refunds[0], { ours: count, theirs: count }),
  ];
}

async function judgeStock(sql: Sql, { sku, outcome }: Case): Promise<string[]> {
  const [level] = await sql<Record<string, number>>(
    `SELECT s.on_hand AS "onHand", s.reserved, sum(m.on_hand_delta)::int AS "ledgerOnHand", sum(m.reserved_delta)::int AS "ledgerReserved"
     FROM catalog.stock s JOIN catalog.stock_movements m USING (sku) WHERE s.sku = $1 GROUP BY s.sku`,
    [sku],
  );
  const { reserved, away } = outcome;
  const onHand = ON_HAND - away;
  return same('stock', level, { onHand, reserved, ledgerOnHand: onHand, ledgerReserved: reserved });
}

export const ON_HAND = 10;

async function judgeKey(sql: Sql, { key, isKeyed }: Case): Promise<string[]> {
  const keys = await sql<{ answered: boolean }>(
    'SELECT outcome IS NOT NULL AS answered FROM idempotency.keys WHERE key = $1',
    [key],
  );
  return same('the stored key', keys, isKeyed ? [{ answered: true }] : []);
}

async function judgeCompany(sql: Sql, { company }: Case): Promise<string[]> {
  const orders = await sql<{ note: string }>('SELECT note FROM orders.orders WHERE note = ANY ($1) ORDER BY note', [
    company,
  ]);
  return same('orders placed in company', orders.map(({ note }) => note), company.toSorted()); // prettier-ignore
}

/** Once, over everything: nothing of any case may be left behind. */
export async function findRemains(sql: Sql): Promise<string[]> {
  const rows = await sql<{ remains: string }>(
    `SELECT 'keys without outcome: ' || count(*) AS remains FROM idempotency.keys WHERE outcome IS NULL HAVING count(*) > 0
     UNION ALL SELECT 'deliveries ' || status || ': ' || count(*) FROM events.deliveries WHERE status <> 'delivered' GROUP BY status
     UNION ALL SELECT 'charges that no payment knows: ' || count(*) FROM payments.test_provider_charges c
       WHERE NOT EXISTS (SELECT FROM payments.payments p WHERE p.id = c.id) HAVING count(*) > 0
     UNION ALL SELECT 'payments of which more was refunded than captured: ' || count(*) FROM payments.payments p
       WHERE captured_minor < (SELECT sum(amount_minor) FROM payments.refunds WHERE payment_id = p.id AND status <> 'failed') HAVING count(*) > 0
     UNION ALL SELECT 'orders whose total is not the sum of their lines: ' || count(*) FROM orders.orders o
       WHERE total_amount <> (SELECT sum(total_amount) FROM orders.lines WHERE order_id = o.id) HAVING count(*) > 0
     UNION ALL SELECT 'levels that are not the sum of their ledger: ' || count(*) FROM catalog.stock s
       WHERE (on_hand, reserved) <> (SELECT sum(on_hand_delta), sum(reserved_delta) FROM catalog.stock_movements WHERE sku = s.sku) HAVING count(*) > 0
     UNION ALL SELECT 'reservations that are not those of live orders: ' || r.reserved || ' and ' || l.quantity
       FROM (SELECT sum(reserved) AS reserved FROM catalog.stock) r,
         (SELECT coalesce(sum(quantity), 0) AS quantity FROM orders.lines JOIN orders.orders o ON o.id = order_id
          WHERE status IN ('pending_payment', 'confirmed')) l
       WHERE r.reserved <> l.quantity`,
  );
  return rows.map(({ remains }) => remains);
}

function same(what: string, found: unknown, expected: unknown): string[] {
  const [is, should] = [JSON.stringify(found), JSON.stringify(expected)];
  return is === should ? [] : [`${what}: ${is} instead of ${should}`];
}
