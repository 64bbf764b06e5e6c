// The face of payments: what app.ts plugs in and what it gets.
import { Router } from 'express';
import type { Database } from '../../shared/database/database.ts';
import type { MigrationSource } from '../../shared/database/migrate.ts';
import type { Audit } from '../../shared/domain/audit.ts';
import type { Outbox } from '../../shared/events/outbox.ts';
import type { Idempotency } from '../../shared/idempotency/idempotency.ts';
import type { Logger } from '../../shared/logging/logger.ts';
import { PaymentController } from './payment.controller.ts';
import { paymentChecks, type AwaitingOrders } from './payment.doctor.ts';
import { paymentErrorPages } from './payment.errors.ts';
import { paymentJobs } from './payment.jobs.ts';
import { paymentReading } from './payment.metrics.ts';
import { PaymentPrivacy } from './payment.privacy.ts';
import { Reconciliation } from './payment.reconciliation.ts';
import { paymentRoutes } from './payment.routes.ts';
import { PaymentService, type Orders } from './payment.service.ts';
import { Settlement } from './payment.settlement.ts';
import { paymentSubscriptions } from './payment.subscriptions.ts';
import { TwoPhases } from './payment.two-phases.ts';
import { PatientProvider, type Provider } from './provider.ts';
import type { StripeSettings } from './providers/stripe.api.ts';
import { StripeProvider } from './providers/stripe.ts';
import { testProviderRouter } from './providers/test-provider.page.ts';
import { RefundController } from './refund.controller.ts';
import { refundErrorPages } from './refund.errors.ts';
import { RefundReconciliation } from './refund.reconciliation.ts';
import { refundRoutes } from './refund.routes.ts';
import { RefundService, type RefundableOrders } from './refund.service.ts';
import { RefundSettlement, type Shelf } from './refund.settlement.ts';
import { TestProvider } from './providers/test-provider.ts';

export const paymentsMigrations: MigrationSource = {
  schema: 'payments',
  directory: new URL('./migrations/', import.meta.url),
};

type Deps = {
  database: Database;
  outbox: Outbox;
  idempotency: Idempotency;
  logger: Logger;
  orders: Orders & RefundableOrders & AwaitingOrders;
  stock: Shelf;
  audit: Audit;
  provider: ProviderSettings;
};

type ProviderSettings = {
  publicUrl: string;
  /** Where this server reaches itself; a function, as its port may be known late. */
  webhookBaseUrl: string | (() => string);
  testProviderSecret: string;
  /** Null or absent: the test provider, which moves no money. */
  stripe?: StripeSettings | null;
  /** After it a call counts as unanswered. */
  callTimeoutMs?: number;
  /** Longer than two calls: after it another process goes on with what this one left. */
  leaseMs?: number;
};

export function createPayments({
  database,
  outbox,
  idempotency,
  logger,
  orders,
  stock,
  audit,
  provider: settings,
}: Deps) {
  const {
    testProviderSecret: secret,
    publicUrl,
    webhookBaseUrl,
    stripe = null,
    callTimeoutMs: timeoutMs = 10_000,
    leaseMs = 30_000,
  } = settings;
  const testProvider = new TestProvider({ database, logger, secret, publicUrl, webhookBaseUrl });
  const chosen: Provider =
    stripe === null ? testProvider : new StripeProvider({ database, settings: stripe, publicUrl });
  const provider = new PatientProvider(chosen, { timeoutMs, logger });
  const settlement = new Settlement({ orders, outbox });
  const refundSettlement = new RefundSettlement({ settlement, outbox, stock });
  const refunds = new RefundReconciliation({ database, provider, settlement: refundSettlement, logger, leaseMs });
  const reconciliation = new Reconciliation({ database, provider, settlement, refunds, logger, leaseMs });
  const twoPhases = new TwoPhases({ database, idempotency, leaseMs });
  const common = { database, orders, provider, settlement, twoPhases, audit, leaseMs };
  const service = new PaymentService({ ...common, reconciliation });
  const refundService = new RefundService({ ...common, refundSettlement });
  return {
    name: 'payments',
    about: 'Payments of orders, and what the provider tells of them',
    service,
    personalData: new PaymentPrivacy({ database }),
    refundService,
    /** The outside world as it is played here, e.g. for a test that lets it fail. */
    provider: testProvider,
    testProviderRouter: stripe === null ? testProviderRouter(testProvider) : Router(),
    routes: [...paymentRoutes(new PaymentController(service)), ...refundRoutes(new RefundController(refundService))],
    errorPages: { ...paymentErrorPages, ...refundErrorPages },
    subscriptions: paymentSubscriptions(service),
    jobs: paymentJobs(reconciliation, refunds, database),
    checks: paymentChecks({ database, providerName: chosen.name, orders, settlement, reconciliation, refunds }),
    readings: [paymentReading(database)],
    migrations: paymentsMigrations,
  };
}
