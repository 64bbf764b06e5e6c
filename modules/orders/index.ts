// The face of orders: what app.ts plugs in, and what it gets.
import type { Database } from '../../shared/database/database.ts';
import type { MigrationSource } from '../../shared/database/migrate.ts';
import type { Audit } from '../../shared/domain/audit.ts';
import type { Outbox } from '../../shared/events/outbox.ts';
import type { Idempotency } from '../../shared/idempotency/idempotency.ts';
import type { Metrics } from '../../shared/metrics/metrics.ts';
import { ExportController } from './export.controller.ts';
import { exportRoutes } from './export.routes.ts';
import { ExportService } from './export.service.ts';
import { FulfillmentController } from './fulfillment.controller.ts';
import { FulfillmentRepository } from './fulfillment.repository.ts';
import { fulfillmentRoutes } from './fulfillment.routes.ts';
import { FulfillmentService, type Warehouse } from './fulfillment.service.ts';
import { OrderController } from './order.controller.ts';
import { orderChecks, type Ledger } from './order.doctor.ts';
import { orderErrorPages } from './order.errors.ts';
import { orderJobs } from './order.jobs.ts';
import { orderReading } from './order.metrics.ts';
import { OrderPlacement } from './order.placement.ts';
import { OrderPrivacy } from './order.privacy.ts';
import { OrderRepository } from './order.repository.ts';
import { orderRoutes } from './order.routes.ts';
import { OrderService, type Catalog, type Customers, type Stock } from './order.service.ts';
import { OrderSteps } from './order.steps.ts';
import { orderSubscriptions } from './order.subscriptions.ts';
import { TimelineController } from './timeline.controller.ts';
import { TimelineRepository } from './timeline.repository.ts';
import { timelineRoutes } from './timeline.routes.ts';
import { TimelineService } from './timeline.service.ts';

export const ordersMigrations: MigrationSource = {
  schema: 'orders',
  directory: new URL('./migrations/', import.meta.url),
};

type Deps = {
  database: Database;
  outbox: Outbox;
  idempotency: Idempotency;
  catalog: Catalog;
  stock: Stock & Warehouse & Ledger;
  customers: Customers;
  audit: Audit;
  metrics: Metrics;
  reservationTtlMs: number;
  batchMax: number;
};

export function createOrders(deps: Deps) {
  const repository = new OrderRepository();
  const steps = new OrderSteps({ repository, outbox: deps.outbox });
  const placement = new OrderPlacement({ ...deps, keyTtlMs: deps.idempotency.ttlMs });
  const service = new OrderService({ ...deps, repository, steps, placement });
  const fulfillments = new FulfillmentService({
    ...deps,
    orders: repository,
    fulfillments: new FulfillmentRepository(),
    steps,
  });
  const timeline = new TimelineService({ ...deps, orders: repository, timeline: new TimelineRepository() });
  return {
    name: 'orders',
    about: 'Orders, from placing to the last delivery',
    service,
    fulfillments,
    personalData: new OrderPrivacy({ database: deps.database, repository }),
    routes: [
      ...exportRoutes(new ExportController(new ExportService({ ...deps, orders: repository }))),
      ...orderRoutes(new OrderController(service)),
      ...fulfillmentRoutes(new FulfillmentController(fulfillments)),
      ...timelineRoutes(new TimelineController(timeline)),
    ],
    jobs: orderJobs(service),
    checks: orderChecks({ ...deps, repository, service, ledger: deps.stock }),
    readings: [orderReading(deps.database)],
    subscriptions: orderSubscriptions(timeline),
    errorPages: orderErrorPages,
  };
}
