// Every combination of filters is a walk along an index: seen in the plans, with 100,000 orders of 1,000 customers.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestApp, type TestApp } from '../../../tests/support/app.ts';
import { OrderRepository } from '../order.repository.ts';

const CUSTOMER = '01939d3a-7c1e-7b1a-8f00-000000000007';

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp();
  // In parts: no statement may take longer than those of production.
  for (let from = 1; from <= 100_000; from += 5000) await insertOrders(from, from + 4999);
  await app.sql('ANALYZE orders.orders');
}, 120_000);
afterAll(() => app.close());

const insertOrders = (from: number, to: number) =>
  app.sql(
    `INSERT INTO orders.orders (id, customer_id, status, payment_status, fulfillment_status, currency, subtotal_amount, tax_amount, total_amount, placed_at)
     SELECT gen_random_uuid(), ('01939d3a-7c1e-7b1a-8f00-' || lpad((i % 1000)::text, 12, '0'))::uuid,
       CASE WHEN i % 50 = 0 THEN 'cancelled' ELSE 'completed' END, 'paid', 'delivered', 'EUR', 1000, 190, 1190,
       timestamptz '2026-01-01' + i * interval '1 minute'
     FROM generate_series($1::int, $2::int) AS i`,
    [from, to],
  );

type Plan = {
  'Node Type': string;
  'Index Name'?: string;
  'Actual Rows': number;
  'Rows Removed by Filter'?: number;
  Plans?: Plan[];
};

const filters = {
  status: 'cancelled',
  customerId: CUSTOMER,
  createdAfter: '2026-02-01T00:00:00.000Z',
  createdBefore: '2026-02-02T00:00:00.000Z',
} as const;
const names = Object.keys(filters) as (keyof typeof filters)[];
const combinations = Array.from({ length: 2 ** names.length }, (_, bits) =>
  names.filter((_name, i) => (bits & (1 << i)) !== 0),
);
const before = { placedAt: '2026-02-01T12:00:00.000Z', id: CUSTOMER };
const whose = [
  ['staff', undefined],
  ['a customer', CUSTOMER],
] as const;
const cases = whose.flatMap(([who, ownerId]) =>
  combinations.flatMap((chosen) =>
    [undefined, before].map(
      (cursor) =>
        [who, chosen.join(' + ') || 'no filter', cursor ? ', page 2' : '', { ownerId, chosen, cursor }] as const,
    ),
  ),
);

test.each(cases)('%s: %s%s', async (_who, _filters, _page, { ownerId, chosen, cursor }) => {
  const filter = Object.fromEntries(chosen.map((name) => [name, filters[name]]));
  const nodes = await planOf({ ...filter, ownerId, before: cursor, limit: 21 });
  expect(nodes.map((node) => node['Node Type'])).not.toContain('Seq Scan');
  // No more than the best of its filters selects: 2,000 are cancelled, a customer has 100, a page is 21.
  const touched = nodes.map((node) => node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0));
  expect(Math.max(...touched)).toBeLessThanOrEqual(2000);
});

/** The repository's own statement, explained instead of answered. */
async function planOf(page: Parameters<OrderRepository['list']>[1]): Promise<Plan[]> {
  const plans: Plan[] = [];
  await new OrderRepository().list(
    {
      query: async (text, values) => {
        const [row] = await app.sql<{ 'QUERY PLAN': { Plan: Plan }[] }>(
          `EXPLAIN (ANALYZE, FORMAT JSON) ${text}`,
          values,
        );
        const flat = (plan: Plan): Plan[] => [plan, ...(plan.Plans ?? []).flatMap(flat)];
        plans.push(...(row?.['QUERY PLAN'] ?? []).flatMap(({ Plan: plan }) => flat(plan)));
        return { rows: [], rowCount: 0 };
      },
    },
    page,
  );
  return plans;
}
