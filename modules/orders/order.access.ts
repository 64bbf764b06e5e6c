// Whose order it is: somebody else's answers like a missing one.
import { notFound } from '../../shared/errors/app-error.ts';
import { may, type Actor } from '../../shared/http/actor.ts';
import type { OrderRow } from './order.repository.ts';

/** @throws notFound `order_not_found` */
export function visible<Order extends OrderRow>(actor: Actor, order: Order | null, staffPermission: string): Order {
  const isOwn = order?.customerId === actor.userId && may(actor, 'orders:own');
  if (order === null || !(isOwn || may(actor, staffPermission))) throw orderNotFound();
  return order;
}

export const orderNotFound = () => notFound('order_not_found', 'There is no such order.');
