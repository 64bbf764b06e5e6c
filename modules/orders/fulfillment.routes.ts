// The API of fulfillments at a glance.
import { route, type Route } from '../../shared/http/route.ts';
import type { FulfillmentController } from './fulfillment.controller.ts';
import { deliverFulfillment, fulfilOrder, listFulfillments } from './fulfillment.validation.ts';

export const fulfillmentRoutes = (fulfillments: FulfillmentController): Route[] => [
  route('post', '/orders/{id}/fulfillments', ['orders:fulfill'], fulfilOrder, fulfillments.postFulfillment),
  route(
    'get',
    '/orders/{id}/fulfillments',
    ['orders:own', 'orders:read'],
    listFulfillments,
    fulfillments.getFulfillments,
  ),
  route('post', '/fulfillments/{id}/delivery', ['orders:fulfill'], deliverFulfillment, fulfillments.postDelivery),
];
