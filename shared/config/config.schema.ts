// The one list of what can be configured: every variable with its rule, default, unit and secrecy.
import { z } from 'zod';
import {
  apiUrl,
  bearerToken,
  collectorUrl,
  directory,
  email,
  listenAddress,
  mailbox,
  oneOf,
  onOff,
  originList,
  postgresUrl,
  proxyHops,
  publicUrl,
  ratio,
  redisUrl,
  secretText,
  smtpUrl,
  stripeKey,
  stripeWebhookSecret,
  wholeNumber,
} from './config.kinds.ts';

export const STAGES = ['development', 'test', 'staging', 'production'] as const;
export type Stage = (typeof STAGES)[number];

export type About = { description: string; default?: string; secret?: boolean };

/** What `.env.example` and the loader know of each variable beyond its rule. */
export const about = z.registry<About>();

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** Rules grow stricter with the stage, so the schema is a function of it. Blank variables must come as undefined. */
export function configSchema(stage: Stage) {
  const groups = variableGroups(stage);
  return z
    .object({
      ...groups.Process,
      ...groups.HTTP,
      ...groups.Database,
      ...groups.Accounts,
      ...groups.Mail,
      ...groups.Limits,
      ...groups.Orders,
      ...groups.Traces,
    })
    .transform((values) => ({
      ...values,
      // null lets Node listen on :: or 0.0.0.0, as the machine allows; a laptop should not serve the whole café.
      HOST: values.HOST ?? (isDeployed(stage) ? null : '127.0.0.1'),
      PUBLIC_URL: values.PUBLIC_URL ?? `http://localhost:${values.PORT}`,
      DATABASE_DIRECT_URL: values.DATABASE_DIRECT_URL ?? values.DATABASE_URL,
      PAYMENT_PROVIDER: values.PAYMENT_PROVIDER ?? 'test',
    }));
}

export function variableGroups(stage: Stage) {
  return {
    Process: processVariables(),
    HTTP: httpVariables(stage),
    Database: databaseVariables(stage),
    Accounts: accountVariables(stage),
    Mail: mailVariables(),
    Limits: limitVariables(stage),
    Orders: orderVariables(stage),
    Traces: traceVariables(),
  };
}

function processVariables() {
  return {
    NODE_ENV: variable(oneOf(...STAGES), {
      default: 'development',
      description: 'development | test | staging | production; rules grow stricter along the way',
    }),
    ROLE: variable(oneOf('web', 'worker', 'all'), {
      default: 'all',
      description: 'web answers requests, worker runs jobs and deliveries, all does both',
    }),
    WORKERS: variable(wholeNumber(1, 64), {
      default: '1',
      description: 'processes that share the port and the work, 1 to 64; SIGHUP replaces them one by one',
    }),
    REPLICAS: variable(wholeNumber(1, 1_000), {
      default: '1',
      description:
        'how many such servers share the database, 1 to 1000; the start counts whether their connections fit it',
    }),
    LOG_LEVEL: variable(oneOf('fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'), {
      default: 'info',
      description: 'fatal | error | warn | info | debug | trace | silent',
    }),
    DATA_DIR: variable(directory(), {
      default: '.data',
      description: 'directory of the embedded database and of the secrets made on first start',
    }),
    DRAIN_DELAY_MS: variable(wholeNumber(0, 5 * MINUTE_MS), {
      default: '0',
      description: 'milliseconds between "not ready" and the end of accepting: what the balancer needs to look away',
    }),
    SHUTDOWN_TIMEOUT_MS: variable(wholeNumber(100, 10 * MINUTE_MS), {
      default: '25000',
      description: 'milliseconds a stop may take before the process exits with 1',
    }),
  };
}

function httpVariables(stage: Stage) {
  return {
    PORT: variable(wholeNumber(0, 65_535), { default: '3000', description: 'TCP port; 0 = any free one' }),
    HOST: optional(listenAddress(), {
      description: 'address to listen on; blank = every interface in staging and production, 127.0.0.1 elsewhere',
    }),
    PUBLIC_URL: optional(publicUrl(), {
      description: 'where clients reach the service, without path; blank = http://localhost:PORT',
      required: stage === 'production',
    }),
    TRUST_PROXY: variable(proxyHops(), {
      default: '0',
      description: 'how many proxies stand in front, 0 to 10, whose X-Forwarded-For is believed',
    }),
    CORS_ORIGIN: variable(originList({ anyAllowed: stage !== 'production' }), {
      default: '',
      description: 'origins that browsers may call from, comma between; PUBLIC_URL always may; * not in production',
    }),
    HTTP_CONNECTIONS_MAX: variable(wholeNumber(1, 65_535), {
      default: '4000',
      description: 'connections a process keeps open, about 20 kB each; one more is closed at once',
    }),
    OVERLOAD_LOOP_DELAY_MS: variable(wholeNumber(0, MINUTE_MS), {
      default: '100',
      description:
        'milliseconds by which the event loop is late on average when catalogue and exports are turned away, at three times as many most else; 0 = off',
    }),
    METRICS_TOKEN: optional(bearerToken({ guessableAllowed: !isDeployed(stage) }), {
      description: 'bearer token that /metrics asks for, at least 16 characters',
      secret: true,
    }),
  };
}

function databaseVariables(stage: Stage) {
  return {
    DATABASE_URL: optional(postgresUrl(), {
      description: 'postgres://user:password@host:5432/database; blank = the embedded PostgreSQL',
      secret: true,
      required: isDeployed(stage),
    }),
    DATABASE_DIRECT_URL: optional(postgresUrl(), {
      description: 'the same database past PgBouncer, for LISTEN and jobs; blank = DATABASE_URL',
      secret: true,
    }),
    DATABASE_POOL_MAX: variable(wholeNumber(1, 1_000), {
      default: '20',
      description: 'connections this process may hold',
    }),
    DATABASE_PREPARED: variable(onOff(), {
      default: 'on',
      description: 'on | off: named prepared statements; off behind PgBouncer before 1.21',
    }),
    DATABASE_STATEMENT_TIMEOUT_MS: variable(wholeNumber(100, MINUTE_MS), {
      default: '2500',
      description: 'milliseconds one SQL statement may take',
    }),
    MIGRATE: variable(oneOf('on', 'off', 'only'), {
      default: 'on',
      description:
        'on | off | only: apply pending migrations at start; off checks that there are none; only applies them and ends',
    }),
  };
}

function accountVariables(stage: Stage) {
  const guessableAllowed = !isDeployed(stage);
  return {
    JWT_SECRET: optional(secretText({ min: 32, max: 1_024, distinctMin: 10, guessableAllowed }), {
      description: 'signs access tokens, at least 32 characters; blank = made on first start into DATA_DIR',
      secret: true,
      required: isDeployed(stage),
    }),
    ACCESS_TOKEN_TTL_MS: variable(wholeNumber(SECOND_MS, DAY_MS), {
      default: String(15 * MINUTE_MS),
      description: 'milliseconds an access token lives (15 min)',
    }),
    REFRESH_TOKEN_TTL_MS: variable(wholeNumber(SECOND_MS, 365 * DAY_MS), {
      default: String(30 * DAY_MS),
      description: 'milliseconds a refresh token lives (30 days)',
    }),
    REFRESH_GRACE_MS: variable(wholeNumber(0, MINUTE_MS), {
      default: String(10 * SECOND_MS),
      description: 'milliseconds in which the previous refresh token still gets the same successor (two tabs)',
    }),
    ADMIN_EMAIL: optional(email(), {
      description: 'e-mail address of the first admin, made when there is no staff; goes with ADMIN_PASSWORD',
    }),
    ADMIN_PASSWORD: optional(secretText({ min: 8, max: 128, distinctMin: 4, guessableAllowed }), {
      description: 'password of the first admin, 8 to 128 characters',
      secret: true,
    }),
  };
}

function mailVariables() {
  return {
    SMTP_URL: optional(smtpUrl(), {
      description:
        'smtp://user:password@host:587 or smtps://…:465; blank = files below DATA_DIR/mail in development and test, no mail at all elsewhere',
      secret: true,
    }),
    MAIL_FROM: optional(mailbox(), {
      description: 'sender of every mail: The Shop <waybill@shop.example>; goes with SMTP_URL',
    }),
    STOREFRONT_URL: optional(publicUrl(), {
      description:
        'the shop that people see, without path: mails link to its pages /verify-email and /reset-password; blank = mails carry the token alone',
    }),
    VERIFY_EMAIL_TTL_MS: variable(wholeNumber(SECOND_MS, 30 * DAY_MS), {
      default: String(DAY_MS),
      description: 'milliseconds in which an e-mail address can be verified after registering (24 h)',
    }),
    PASSWORD_RESET_TTL_MS: variable(wholeNumber(SECOND_MS, DAY_MS), {
      default: String(30 * MINUTE_MS),
      description: 'milliseconds in which a forgotten password can be reset after asking (30 min)',
    }),
  };
}

function limitVariables(stage: Stage) {
  const count =
    stage === 'production'
      ? wholeNumber(1, 1_000_000, '; 0 = off is refused in production')
      : wholeNumber(0, 1_000_000);
  return {
    REDIS_URL: optional(redisUrl(), {
      description:
        'redis://user:password@host:6379 or rediss://…: counts the limits for all processes on all machines; blank = the database counts logins, each machine the rest for itself',
      secret: true,
    }),
    RATE_LIMIT_MAX: variable(count, {
      default: '100',
      description: 'requests per window and address, anonymous; 0 = off, not in production',
    }),
    RATE_LIMIT_ACCOUNT_MAX: variable(count, {
      default: '1000',
      description: 'requests per window and account; 0 = off, not in production',
    }),
    RATE_LIMIT_WINDOW_MS: variable(wholeNumber(SECOND_MS, DAY_MS), {
      default: String(15 * MINUTE_MS),
      description: 'milliseconds of the window of every limit (15 min)',
    }),
    LOGIN_RATE_LIMIT_MAX: variable(count, {
      default: '5',
      description:
        'login, register, refresh, forgotten-password, reset and verify attempts per window and account; 0 = off, not in production',
    }),
    LOGIN_RATE_LIMIT_ADDRESS_MAX: variable(count, {
      default: '20',
      description: 'the same per address; 0 = off, not in production',
    }),
  };
}

function orderVariables(stage: Stage) {
  return {
    RESERVATION_TTL_MS: variable(wholeNumber(SECOND_MS, 7 * DAY_MS), {
      default: String(15 * MINUTE_MS),
      description: 'milliseconds an unpaid order holds its stock (15 min)',
    }),
    IDEMPOTENCY_TTL_MS: variable(wholeNumber(SECOND_MS, 30 * DAY_MS), {
      default: String(DAY_MS),
      description: 'milliseconds an Idempotency-Key is remembered (24 h)',
    }),
    ORDER_BATCH_MAX: variable(wholeNumber(1, 500), {
      default: '64',
      description: 'so many orders that arrive together are placed by one statement; 1 places each by its own',
    }),
    EVENTS_POLL_MS: variable(wholeNumber(10, MINUTE_MS), {
      default: String(SECOND_MS),
      description: 'milliseconds between looks for events that other processes recorded',
    }),
    PAYMENT_PROVIDER: optional(oneOf('test', 'stripe'), {
      description: 'test | stripe; test accepts test cards only and moves no money; blank = test',
      required: stage === 'production', // nobody should take play money by forgetting a line
    }),
    TEST_PROVIDER_SECRET: optional(bearerToken({ guessableAllowed: !isDeployed(stage) }), {
      description: 'signs the webhooks of the test provider, at least 16 characters; required with it in production',
      secret: true,
    }),
    STRIPE_SECRET_KEY: optional(stripeKey({ testAllowed: stage !== 'production' }), {
      description:
        'sk_… or rk_… of the Stripe account, a live one in production; required with PAYMENT_PROVIDER=stripe',
      secret: true,
    }),
    STRIPE_WEBHOOK_SECRET: optional(stripeWebhookSecret(), {
      description: 'whsec_… of the webhook endpoint at Stripe; required with PAYMENT_PROVIDER=stripe',
      secret: true,
    }),
    STRIPE_API_URL: optional(apiUrl({ plainAllowed: stage !== 'production' }), {
      description:
        "where Stripe's API is reached, without path: a proxy or a stand-in; https in production; blank = Stripe's own",
    }),
  };
}

/** Under the names that every OpenTelemetry library knows. */
function traceVariables() {
  return {
    OTEL_EXPORTER_OTLP_ENDPOINT: optional(collectorUrl(), {
      description:
        'base URL of an OTLP/HTTP collector, http://127.0.0.1:4318; blank = no traces, and nothing of it loaded',
    }),
    OTEL_TRACES_SAMPLER_ARG: variable(ratio(), {
      default: '1',
      description: 'share of the requests that are traced, 0 to 1, unless the caller brings a trace of its own',
    }),
  };
}

/** What a variable lacks because of another one: `[missing variable, what is wrong]`. */
export function missingPartners(stage: Stage, given: ReadonlySet<string>, provider: string | undefined) {
  const faults: [string, string][] = [];
  const missingWith = (name: string, partner: string) => {
    if (!given.has(name) && given.has(partner)) faults.push([name, `missing; expected together with ${partner}`]);
  };
  missingWith('ADMIN_EMAIL', 'ADMIN_PASSWORD');
  missingWith('ADMIN_PASSWORD', 'ADMIN_EMAIL');
  missingWith('MAIL_FROM', 'SMTP_URL');
  missingWith('SMTP_URL', 'MAIL_FROM');
  if (stage === 'production' && provider === 'test') missingWith('TEST_PROVIDER_SECRET', 'PAYMENT_PROVIDER');
  if (provider === 'stripe') {
    missingWith('STRIPE_SECRET_KEY', 'PAYMENT_PROVIDER');
    missingWith('STRIPE_WEBHOOK_SECRET', 'PAYMENT_PROVIDER');
  }
  return faults;
}

/** Staging holds real accounts, so it wants the same secrets as production. */
function isDeployed(stage: Stage): boolean {
  return stage === 'staging' || stage === 'production';
}

/** The default passes the rule like any other text. */
function variable<T>(rule: z.ZodType<T, string>, facts: About & { default: string }) {
  const schema = rule.prefault(facts.default);
  about.add(schema, facts);
  return schema;
}

/** Absent means null, unless it is required. */
function optional<T>(rule: z.ZodType<T, string>, facts: About & { required?: boolean }) {
  const schema = facts.required ? rule.nullable() : rule.nullable().default(null);
  about.add(schema, facts);
  return schema;
}
