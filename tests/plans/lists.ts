// Every list with every combination of its filters, at its first page and in its middle; what is asked for is there, often or seldom.
import { encodeCursor } from '../../shared/domain/page.ts';
import type { TestApp } from '../support/app.ts';
import type { Operation } from '../support/operations.ts';

/** By parameter the values to ask for; the keys of a cursor in the middle. */
type List = { filters: Record<string, string[]>; middle: string[] };

/** By operation: each list of the document has to be here. */
export async function listsOf({ sql }: TestApp, heavyCustomer: string): Promise<Record<string, List>> {
  const value = async (text: string): Promise<string> =>
    Object.values((await sql<Record<string, string>>(text))[0] ?? {})[0] ?? '';
  const middleOf = (table: string, key: string) =>
    value(`SELECT ${key}::text FROM ${table} ORDER BY ${key} OFFSET (SELECT count(*) / 2 FROM ${table}) LIMIT 1`);
  const order = await middleOf('orders.orders', 'id');
  const placedAt = await value(
    `SELECT to_char(placed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') FROM orders.orders WHERE id = '${order}'`,
  );
  const aDayLater = new Date(Date.parse(placedAt) + 86_400_000).toISOString();
  const lastDays = new Date(Date.now() - 10 * 86_400_000).toISOString();
  const sku = await value('SELECT min(sku) FROM catalog.stock');
  const entry = await middleOf('audit.entries', 'id');
  const user = await middleOf('users.users', 'id');
  const orderFilters = {
    status: ['completed', 'cancelled', 'confirmed', 'pending_payment'],
    customerId: [heavyCustomer, user],
    createdAfter: [placedAt, lastDays],
    createdBefore: [aDayLater],
  };
  const last = ['ffffffff-ffff-7fff-bfff-ffffffffffff'];
  return {
    listOrders: { filters: orderFilters, middle: [placedAt, order] },
    // Without a filter it answers all that there is; here it is the plan that counts.
    exportOrders: {
      filters: { ...orderFilters, status: ['cancelled', 'confirmed'], createdAfter: [lastDays] },
      middle: [],
    },
    listUsers: {
      filters: {
        email: [await value(`SELECT email FROM users.users WHERE id = '${user}'`)],
        role: ['customer', 'support', 'admin'],
        status: ['active', 'disabled'],
      },
      middle: [user],
    },
    listMyAddresses: { filters: {}, middle: last },
    listApiKeys: { filters: {}, middle: last },
    listMySessions: { filters: {}, middle: last },
    listProducts: { filters: { q: ['oak', '"thing 7"', 'thing'] }, middle: [await middleOf('catalog.products', 'id')] },
    listStock: { filters: { sku: [sku] }, middle: [await middleOf('catalog.stock', 'sku')] },
    listStockMovements: { filters: { sku: [sku] }, middle: [await middleOf('catalog.stock_movements', 'seq')] },
    listFulfillments: { filters: {}, middle: last },
    getOrderTimeline: { filters: {}, middle: ['1'] },
    listPayments: { filters: {}, middle: last },
    listRefunds: { filters: {}, middle: last },
    listAuditEntries: {
      filters: {
        actorId: [await value(`SELECT actor_id FROM audit.entries WHERE id = '${entry}'`)],
        action: ['fulfillment.created', 'auth.logged_in'],
        subjectId: [await value(`SELECT subject_id FROM audit.entries WHERE id = '${entry}'`)],
        requestId: [await value(`SELECT request_id FROM audit.entries WHERE id = '${entry}'`)],
      },
      middle: [entry],
    },
  };
}

/** Those with pages, or with filters. */
export const isList = ({ parameters }: Operation): boolean => parameters.some((one) => one.in === 'query');

/** Query strings. */
export function questionsOf({ filters, middle }: List): string[] {
  const combined = Object.entries(filters).reduce<[string, string][][]>(
    (known, [name, values]) =>
      known.flatMap((one) => [one, ...values.map((value): [string, string][] => [...one, [name, value]])]),
    [[]],
  );
  const paged = (one: [string, string][]) => [
    [...one, ['limit', '100']] as [string, string][],
    [...one, ['limit', '20'], ['cursor', encodeCursor(middle)]] as [string, string][],
  ];
  // An export has no pages; without a day to begin with it would be read to the end of the shop.
  const all =
    middle.length === 0
      ? combined.filter((one) => one.some(([name]) => name === 'createdAfter'))
      : combined.flatMap(paged);
  return all.map((one) => `?${new URLSearchParams(one).toString()}`);
}
