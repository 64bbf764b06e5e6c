// What clients ask for in more than one part.
import { randomUUID } from 'node:crypto';
import type { Bench } from './bench.ts';
import { requestOf } from './connection.ts';
import type { HttpLoad } from './load.ts';
import type { Shop } from './shop.ts';
import { chance } from './statistics.ts';

/** Orders of one thing. Each client is a customer of its own, and each order has its own key. */
export function ordersOf({ seed }: Bench, { customers, skus }: Shop, isHot: boolean): HttpLoad['requests'] {
  const random = chance(seed);
  return (client) => {
    const token = customers[client % customers.length]?.token ?? '';
    return () => {
      const sku = isHot ? skus[0] : skus[Math.floor(random() * skus.length)];
      const headers = { 'Idempotency-Key': randomUUID() };
      const body = { lines: [{ sku, quantity: 1 }] };
      return requestOf({ method: 'POST', path: '/api/v1/orders', token, headers, body });
    };
  };
}
