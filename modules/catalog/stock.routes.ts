// The API of stock at a glance.
import { route, type Route } from '../../shared/http/route.ts';
import type { StockController } from './stock.controller.ts';
import { adjustStock, listStock, listStockMovements } from './stock.validation.ts';

export const stockRoutes = (stock: StockController): Route[] => [
  route('get', '/stock', ['stock:read'], listStock, stock.getStock),
  route('get', '/stock/movements', ['stock:read'], listStockMovements, stock.getMovements),
  route('post', '/stock/adjustments', ['stock:adjust'], adjustStock, stock.postAdjustment),
];
