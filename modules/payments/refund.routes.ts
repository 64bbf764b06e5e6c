// The API of refunds at a glance.
import { route, type Route } from '../../shared/http/route.ts';
import type { RefundController } from './refund.controller.ts';
import { createRefund, listRefunds } from './refund.validation.ts';

export const refundRoutes = (refunds: RefundController): Route[] => [
  route('get', '/orders/{id}/refunds', ['orders:own', 'orders:read'], listRefunds, refunds.getRefunds),
  route('post', '/orders/{id}/refunds', ['orders:refund'], createRefund, refunds.postRefund),
];
