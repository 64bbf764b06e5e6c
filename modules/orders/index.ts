// The face of orders: what app.ts plugs in, and what it gets.
import type { Database } from '../../shared/database/database.ts';
import type { MigrationSource } from '../../shared/database/migrate.ts';
import type { Outbox } from '../../shared/events/outbox.ts';
import type { Idempotency } from '../../shared/idempotency/idempotency.ts';
import { OrderController } from './order.controller.ts';
import { orderErrorPages } from './order.errors.ts';
import { orderJobs } from './order.jobs.ts';
import { OrderRepository } from './order.repository.ts';
import { orderRoutes } from './order.routes.ts';
import { OrderService, type Catalog, type Customers, type Stock } from './order.service.ts';

export const ordersMigrations: MigrationSource = {
  schema: 'orders',
  directory: new URL('./migrations/', import.meta.url),
};

type Deps = {
  database: Database;
  outbox: Outbox;
  idempotency: Idempotency;
  catalog: Catalog;
  stock: Stock;
  customers: Customers;
  reservationTtlMs: number;
};

export function createOrders(deps: Deps) {
  const service = new OrderService({ ...deps, repository: new OrderRepository() });
  return {
    name: 'orders',
    service,
    routes: orderRoutes(new OrderController(service)),
    jobs: orderJobs(service),
    subscriptions: [],
    errorPages: orderErrorPages,
  };
}
