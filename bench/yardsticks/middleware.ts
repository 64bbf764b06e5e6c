// Yardstick: our HTTP server with some steps of our pipeline, as built, before one JSON answer a path.
/* oxlint-disable typescript/consistent-type-imports -- types of what is imported from dist/ */
import { readFileSync } from 'node:fs';
import express, { type RequestHandler } from 'express';

/** What is measured is what runs in production, so it comes from dist/. */
const built = async <Room>(path: string): Promise<Room> =>
  (await import(new URL(`../../dist/${path}.js`, import.meta.url).href)) as Room;

const { createModules, listModules } = await built<typeof import('../../app.ts')>('app');
const { loadConfig } = await built<typeof import('../../shared/config/config.ts')>('shared/config/config');
const { createDatabase } = await built<typeof import('../../shared/database/database.ts')>('shared/database/database');
const { createPool } = await built<typeof import('../../shared/database/pool.ts')>('shared/database/pool');
const { createHttpServer } = await built<typeof import('../../shared/http/http-server.ts')>('shared/http/http-server');
const { HttpDrain } = await built<typeof import('../../shared/lifecycle/http-drain.ts')>('shared/lifecycle/http-drain');
const { SharedCounter } =
  await built<typeof import('../../shared/limits/shared-counter.ts')>('shared/limits/shared-counter');
const { createLogger } = await built<typeof import('../../shared/logging/logger.ts')>('shared/logging/logger');
const { Load } = await built<typeof import('../../shared/metrics/load.ts')>('shared/metrics/load');
const { Metrics } = await built<typeof import('../../shared/metrics/metrics.ts')>('shared/metrics/metrics');
const { authenticate } = await built<typeof import('../../shared/middleware/authenticate.ts')>(
  'shared/middleware/authenticate',
);
const { allowOrigins } = await built<typeof import('../../shared/middleware/cors.ts')>('shared/middleware/cors');
const { health } = await built<typeof import('../../shared/middleware/health.ts')>('shared/middleware/health');
const { limitCallers } =
  await built<typeof import('../../shared/middleware/rate-limit.ts')>('shared/middleware/rate-limit');
const { requestContext } = await built<typeof import('../../shared/middleware/request-context.ts')>(
  'shared/middleware/request-context',
);
const { requestLog } = await built<typeof import('../../shared/middleware/request-log.ts')>(
  'shared/middleware/request-log',
);
const { securityHeaders } = await built<typeof import('../../shared/middleware/security-headers.ts')>(
  'shared/middleware/security-headers',
);
const { turnAway } = await built<typeof import('../../shared/middleware/shed-load.ts')>('shared/middleware/shed-load');

const config = loadConfig(process.env);
const logger = createLogger({ level: config.logLevel, isPretty: false });
const metrics = new Metrics();
const { databaseUrl, databaseStatementTimeoutMs: statementTimeoutMs } = config;
const pool = createPool({ connectionString: databaseUrl ?? '', max: 4, statementTimeoutMs, applicationName: 'steps' }, logger); // prettier-ignore
const modules = createModules({
  config,
  databaseOf: () => createDatabase(pool),
  logger,
  metrics,
  mailer: { delivers: false, send: async () => undefined },
  secrets: { jwt: config.jwtSecret ?? '', testProvider: config.testProviderSecret ?? '' },
  ownUrl: () => config.publicUrl,
});
const routes = listModules(modules).flatMap((one) => one.routes);
const load = new Load({ waiting: () => pool.waitingCount, poolMax: config.databasePoolMax, loopDelayMs: 0 });
const { rateLimitWindowMs: windowMs, rateLimitMax: addressMax, rateLimitAccountMax: accountMax } = config;
const checkReady = async () => undefined;

/** Limits ask who is calling. */
const nobody: RequestHandler = (_request, response, next) => {
  response.locals.caller ??= { actor: null, refusedToken: null };
  next();
};

/** Those of createApp. */
const steps: Record<string, RequestHandler[]> = {
  context: [requestContext()],
  health: [health({ checkReady, version: '', commit: '', metrics, metricsAccess: 'closed' })],
  log: [requestLog(logger)],
  metrics: [metrics.timeRequests()],
  headers: [securityHeaders()],
  cors: [allowOrigins({ allowedOrigins: [...config.corsOrigin], publicUrl: config.publicUrl }, logger)],
  shedding: [turnAway(routes, load, () => undefined)],
  token: [authenticate(modules.users.verifyToken)],
  limits: [nobody, limitCallers({ windowMs, addressMax, accountMax, counter: new SharedCounter([]) })],
};

const app = express().set('query parser', 'simple').disable('x-powered-by').disable('etag');
for (const [name, step] of Object.entries(steps)) if (process.env['STEPS']?.split(',').includes(name)) app.use(step);
const answers = JSON.parse(readFileSync(process.env['ANSWERS'] ?? '', 'utf8')) as Record<string, unknown>;
for (const [path, answer] of Object.entries(answers)) app.get(path, (_request, response) => void response.json(answer));
const server = createHttpServer(app, { connectionsMax: config.httpConnectionsMax, logger });
const drain = new HttpDrain(server);
process.once('SIGTERM', () => void drain.finish().then(() => process.exit(0)));
server.listen(Number(process.env['PORT']), '127.0.0.1');
