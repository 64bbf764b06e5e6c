// The API of orders at a glance.
import { route, type Route } from '../../shared/http/route.ts';
import type { OrderController } from './order.controller.ts';
import { cancelOrder, getOrder, listOrders, placeOrder, quoteOrder } from './order.validation.ts';

export const orderRoutes = (orders: OrderController): Route[] => [
  route('post', '/orders/quote', ['orders:own', 'orders:place'], quoteOrder, orders.postQuote),
  route('post', '/orders', ['orders:own', 'orders:place'], placeOrder, orders.postOrder),
  route('get', '/orders', ['orders:own', 'orders:read'], listOrders, orders.getOrders),
  route('get', '/orders/{id}', ['orders:own', 'orders:read'], getOrder, orders.getOrder),
  route('post', '/orders/{id}/cancellation', ['orders:own', 'orders:cancel'], cancelOrder, orders.postCancellation),
];
