// The API of exports at a glance; mounted before /orders/{id}, which would take `export` for an id.
import { route, type Route } from '../../shared/http/route.ts';
import type { ExportController } from './export.controller.ts';
import { exportOrders } from './export.validation.ts';

export const exportRoutes = (exports: ExportController): Route[] => [
  route('get', '/orders/export', ['orders:export'], exportOrders, exports.getExport),
];
