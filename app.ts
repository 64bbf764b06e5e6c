// Who is plugged into whom (createModules), and the way of a request through them (createApp); reads no environment, opens no port.
import express, { Router, type Express } from 'express';
import { auditMigrations, createAudit } from './modules/audit/index.ts';
import { catalogMigrations, createCatalog } from './modules/catalog/index.ts';
import { createOrders, ordersMigrations } from './modules/orders/index.ts';
import { createPayments, paymentsMigrations } from './modules/payments/index.ts';
import { createUsers, usersMigrations } from './modules/users/index.ts';
import { Caches } from './shared/cache/caches.ts';
import type { Config } from './shared/config/config.ts';
import type { Database } from './shared/database/database.ts';
import type { MigrationSource } from './shared/database/migrate.ts';
import type { Check } from './shared/doctor/check.ts';
import { eventChecks } from './shared/events/events.doctor.ts';
import { purgeDelivered } from './shared/events/dispatcher.ts';
import { outboxReading } from './shared/events/events.metrics.ts';
import { eventsMigrations, Outbox } from './shared/events/outbox.ts';
import { conventionPages } from './shared/http/problem-pages.ts';
import { docsPages } from './shared/http/docs-pages.ts';
import { openApiDocument } from './shared/http/openapi.ts';
import { API_BASE_PATH } from './shared/http/reply.ts';
import { mountRoutes, type Route } from './shared/http/route.ts';
import { idempotencyChecks } from './shared/idempotency/idempotency.doctor.ts';
import { Idempotency, idempotencyMigrations } from './shared/idempotency/idempotency.ts';
import type { RecurringJob } from './shared/jobs/jobs.ts';
import { jobChecks } from './shared/jobs/jobs.doctor.ts';
import { queueReading } from './shared/jobs/jobs.metrics.ts';
import type { HitCounter } from './shared/limits/hit-counter.ts';
import { SharedCounter } from './shared/limits/shared-counter.ts';
import type { Logger } from './shared/logging/logger.ts';
import type { Mailer } from './shared/mail/mailer.ts';
import type { Load, Priority } from './shared/metrics/load.ts';
import type { Metrics } from './shared/metrics/metrics.ts';
import type { Reading } from './shared/metrics/readings.ts';
import { authenticate } from './shared/middleware/authenticate.ts';
import { allowOrigins } from './shared/middleware/cors.ts';
import { errorHandler } from './shared/middleware/error-handler.ts';
import { health, type MetricsAccess } from './shared/middleware/health.ts';
import { routeNotFound } from './shared/middleware/not-found.ts';
import { limitCallers } from './shared/middleware/rate-limit.ts';
import { requestContext } from './shared/middleware/request-context.ts';
import { requestLog } from './shared/middleware/request-log.ts';
import { securityHeaders } from './shared/middleware/security-headers.ts';
import { admit, turnAway } from './shared/middleware/shed-load.ts';

export const migrationSources: MigrationSource[] = [
  idempotencyMigrations,
  eventsMigrations,
  auditMigrations,
  usersMigrations,
  catalogMigrations,
  ordersMigrations,
  paymentsMigrations,
];

type Surroundings = {
  config: Config;
  /** One for each module: in the tests each has its own role, elsewhere all share one. */
  databaseOf: (module: string) => Database;
  logger: Logger;
  metrics: Metrics;
  mailer: Mailer;
  secrets: { jwt: string; testProvider: string };
  /** Where this server can reach itself: the test provider sends its webhooks there. */
  ownUrl: () => string;
  /** Who counts attempts to log in for all processes; behind them the database does. */
  attemptKeepers?: HitCounter[];
  /** Of the database, in milliseconds since 1970; this process's own unless given. */
  now?: () => number;
  /** What this process remembers. */
  caches?: Caches;
};

export type Modules = ReturnType<typeof createModules>;

/** The wiring diagram: orders asks catalog and users, payments asks orders; orders tells, payments hears. */
export function createModules({
  config,
  databaseOf,
  logger,
  metrics,
  mailer,
  secrets,
  ownUrl,
  attemptKeepers = [],
  now = () => Date.now(),
  caches = new Caches(metrics),
}: Surroundings) {
  const outbox = new Outbox(metrics);
  const idempotency = new Idempotency({ ttlMs: config.idempotencyTtlMs });
  const logOf = (module: string) => logger.child({ module });

  const audit = createAudit({ database: databaseOf('audit') });

  const users = createUsers({
    database: databaseOf('users'),
    audit: audit.service,
    outbox,
    personalData: () => [orders.personalData, payments.personalData],
    logger: logOf('users'),
    caches,
    tokens: {
      secret: secrets.jwt,
      accessTtlMs: config.accessTokenTtlMs,
      refreshTtlMs: config.refreshTokenTtlMs,
      refreshGraceMs: config.refreshGraceMs,
      now,
    },
    limits: {
      windowMs: config.rateLimitWindowMs,
      loginMax: config.loginRateLimitMax,
      loginAddressMax: config.loginRateLimitAddressMax,
      keepers: attemptKeepers,
    },
    mail: {
      mailer,
      verifyEmailTtlMs: config.verifyEmailTtlMs,
      passwordResetTtlMs: config.passwordResetTtlMs,
      storefrontUrl: config.storefrontUrl,
    },
  });

  const catalog = createCatalog({ database: databaseOf('catalog'), caches, idempotency, audit: audit.service });

  const orders = createOrders({
    database: databaseOf('orders'),
    outbox,
    idempotency,
    catalog: catalog.service,
    stock: catalog.stock,
    customers: users.service,
    audit: audit.service,
    metrics,
    reservationTtlMs: config.reservationTtlMs,
    batchMax: config.orderBatchMax,
  });

  const payments = createPayments({
    database: databaseOf('payments'),
    outbox,
    idempotency,
    logger: logOf('payments'),
    orders: orders.service,
    stock: catalog.stock,
    audit: audit.service,
    provider: {
      publicUrl: config.publicUrl,
      webhookBaseUrl: ownUrl,
      testProviderSecret: secrets.testProvider,
      stripe: stripeOf(config),
    },
  });

  return { audit, users, catalog, orders, payments, outbox, idempotency };
}

/** Null unless it is chosen; both secrets are there then, or the configuration was refused. */
function stripeOf(config: Config) {
  const { paymentProvider, stripeSecretKey: secretKey, stripeWebhookSecret: webhookSecret, stripeApiUrl } = config;
  if (paymentProvider !== 'stripe') return null;
  if (secretKey === null || webhookSecret === null) throw new Error('PAYMENT_PROVIDER=stripe lacks its secrets');
  return { secretKey, webhookSecret, apiUrl: stripeApiUrl };
}

export const listModules = ({ users, catalog, orders, payments, audit }: Modules) => [
  users,
  catalog,
  orders,
  payments,
  audit,
];

/** The house keeps its own rooms clean: keys and deliveries that nobody will ask for again. */
const housekeepingJobs = ({ idempotency }: Modules, database: Database): RecurringJob[] => [
  { name: 'idempotency.purge', everySeconds: 600, run: () => untilNone(() => idempotency.purge(database)) },
  { name: 'events.purge', everySeconds: 600, run: () => untilNone(() => purgeDelivered(database)) },
];

/** What only the database knows, each from who owns the tables. */
export const readingsOf = (modules: Modules, database: Database): Reading[] => [
  ...modules.orders.readings,
  ...modules.payments.readings,
  outboxReading(database),
  queueReading(
    database,
    allJobs(modules, database).map(({ name }) => name),
  ),
];

export const allJobs = (modules: Modules, database: Database): RecurringJob[] => [
  ...listModules(modules).flatMap((one) => one.jobs),
  ...housekeepingJobs(modules, database),
];

/** What should never be, the levels of stock first: others stand on them. @param deliver the facts that are due */
export const checksOf = (modules: Modules, database: Database, deliver: () => Promise<unknown>): Check[] => [
  ...modules.catalog.checks,
  ...modules.orders.checks,
  ...modules.payments.checks,
  ...eventChecks(database, deliver),
  ...jobChecks(
    database,
    allJobs(modules, database).map(({ name }) => name),
  ),
  ...idempotencyChecks(database, modules.idempotency),
];

async function untilNone(purgeBatch: () => Promise<number>): Promise<void> {
  while ((await purgeBatch()) > 0);
}

export const openApiOf = (modules: Modules, version: string) =>
  openApiDocument(
    listModules(modules).map(({ name, about, routes }) => ({ tag: name, about, routes })),
    version,
  );

type Operations = {
  config: Config;
  logger: Logger;
  metrics: Metrics;
  version: string;
  commit: string;
  load: Load;
  checkReady: () => Promise<void>;
  /** When traces are recorded. */
  currentTraceId?: (() => string | undefined) | undefined;
  /** Who counts callers' requests for other processes too; nobody: this process counts alone. */
  hitKeepers?: HitCounter[];
};

/** The pipeline, top to bottom; every request passes it in this order. */
export function createApp(modules: Modules, operations: Operations): Express {
  const { config, logger, metrics, version, commit, checkReady, currentTraceId } = operations;
  const app = express();
  app.set('query parser', 'simple').set('trust proxy', config.trustProxy).disable('x-powered-by').disable('etag');

  app.use(requestContext(currentTraceId));
  app.use(health({ checkReady, version, commit, metrics, metricsAccess: metricsAccessOf(config) }));
  app.use(requestLog(logger), metrics.timeRequests(), securityHeaders());
  // A worker is asked for its health and its numbers only.
  if (config.role !== 'worker') mountApi(app, modules, operations);
  app.use(routeNotFound());
  app.use(errorHandler(logger, { showsDefects: config.nodeEnv === 'development' }));
  return app;
}

function mountApi(app: Express, modules: Modules, operations: Operations): void {
  const { config, logger, version } = operations;
  app.use(allowOrigins({ allowedOrigins: [...config.corsOrigin], publicUrl: config.publicUrl }, logger));
  app.use(API_BASE_PATH, apiRouter(modules, operations));
  app.use(modules.payments.testProviderRouter);
  app.use(docsPages({ document: openApiOf(modules, version), errorPages: errorPagesOf(modules) }));
}

/** A router of its own: that a path is below the base path is found out once, and not again at each of these steps. */
function apiRouter(modules: Modules, { config, load, metrics, hitKeepers = [] }: Operations): Router {
  const api = Router();
  const { rateLimitWindowMs, rateLimitMax, rateLimitAccountMax } = config;
  const routes = listModules(modules).flatMap((one) => one.routes);
  // All of a provider's events come from a few addresses and are known by their signature: no token, no limit.
  const isForProviders = ({ operation }: Route) => operation.rawBody === true;
  api.use(noStore, mountRoutes(routes.filter(isForProviders)));
  const onShed = (priority: Priority) => metrics.countShed({ priority });
  api.use(
    turnAway(routes, load, onShed),
    authenticate(modules.users.verifyToken),
    limitCallers({
      windowMs: rateLimitWindowMs,
      addressMax: rateLimitMax,
      accountMax: rateLimitAccountMax,
      counter: new SharedCounter(hitKeepers),
    }),
    mountRoutes(
      routes.filter((one) => !isForProviders(one)),
      { admit: admit(load, onShed) },
    ),
  );
  return api;
}

function metricsAccessOf({ metricsToken, nodeEnv }: Config): MetricsAccess {
  if (metricsToken !== null) return { token: metricsToken };
  return nodeEnv === 'development' || nodeEnv === 'test' ? 'open' : 'closed';
}

const noStore: express.RequestHandler = (_request, response, next) => {
  response.set('Cache-Control', 'no-store');
  next();
};

export const errorPagesOf = (modules: Modules): Record<string, string> =>
  Object.assign({}, conventionPages, ...listModules(modules).map(({ errorPages }) => errorPages));
