// The life of a process: configuration → database → modules → web and worker → stop in reverse.
import cluster from 'node:cluster';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { allJobs, createApp, createModules, listModules, migrationSources, readingsOf, type Modules } from './app.ts';
import { banner } from './shared/lifecycle/banner.ts';
import { buildOf, type Build } from './shared/lifecycle/build.ts';
import { CONFIG_EXIT_CODE, ConfigError, loadConfig, type Config } from './shared/config/config.ts';
import { loadEnvFile } from './shared/config/env-file.ts';
import { loadSupervision, type Supervision } from './shared/config/supervision.ts';
import { ownSecret } from './shared/config/secrets.ts';
import { Caches } from './shared/cache/caches.ts';
import { DatabaseClock } from './shared/database/database-clock.ts';
import { ChangeListener } from './shared/database/change-listener.ts';
import { createDatabase, type Database } from './shared/database/database.ts';
import { startEmbeddedPostgres } from './shared/database/embedded.ts';
import { migrate, pendingMigrations } from './shared/database/migrate.ts';
import { createPool } from './shared/database/pool.ts';
import { requireDurableCommits, requireTimeouts, shortageOfConnections } from './shared/database/requirements.ts';
import { Dispatcher } from './shared/events/dispatcher.ts';
import { createHttpServer } from './shared/http/http-server.ts';
import { JobRunner, type RecurringJob } from './shared/jobs/jobs.ts';
import { countForFleet, FleetCounter } from './shared/limits/fleet-counter.ts';
import { resting, type HitCounter } from './shared/limits/hit-counter.ts';
import { collectGarbageOfStart } from './shared/lifecycle/garbage.ts';
import { HttpDrain } from './shared/lifecycle/http-drain.ts';
import { Lifecycle } from './shared/lifecycle/lifecycle.ts';
import { Systemd } from './shared/lifecycle/systemd.ts';
import { Workers, type FromWorker, type ToWorker } from './shared/lifecycle/workers.ts';
import { within } from './shared/lifecycle/within.ts';
import { createLogger } from './shared/logging/logger.ts';
import { createMailer } from './shared/mail/create-mailer.ts';
import { FleetMetrics, joinFleet } from './shared/metrics/fleet-metrics.ts';
import { EventLoopWatch } from './shared/metrics/event-loop.ts';
import { Load } from './shared/metrics/load.ts';
import { logMemory } from './shared/metrics/memory-line.ts';
import { Metrics } from './shared/metrics/metrics.ts';

/** A probe that waits longer than this has given up. */
const READY_TIMEOUT_MS = 2000;

/** The job library's connections, one of which listens. */
const JOBS_POOL_MAX = 4;
/** Of its bookkeeping; what a job does has the deadlines of everything else. A statement that got lost may not outlive the stop of the process. */
const JOBS_STATEMENT_TIMEOUT_MS = 5000;

const { config, supervision } = readConfig();
/** Two ways to one database: the first leads through PgBouncer. */
const isPooled = config.databaseDirectUrl !== config.databaseUrl;
const logger = createLogger({
  level: config.logLevel,
  isPretty: process.stdout.isTTY && config.nodeEnv === 'development',
});
const limitsLog = logger.child({ module: 'limits' });
const lifecycle = new Lifecycle({ logger, timeoutMs: config.shutdownTimeoutMs });
/** Its successor serves already: nobody has to look away first, and this process stays ready for who is still there. */
let isRetired = false;
/** Under PM2, too, this is a worker of a cluster, but not of ours. */
const isOfFleet = cluster.isWorker && config.workers > 1;
if (isOfFleet) obeyPrimary();
else for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void stop(0));
process.on('uncaughtException', (error) => die(error, 'uncaught exception'));
process.on('unhandledRejection', (error) => die(error, 'unhandled rejection'));
const isPrimary = config.workers > 1 && cluster.isPrimary;
// Told to stop while it starts, it does: whatever fails then fails because of that.
await run().catch((error: unknown) =>
  lifecycle.isStopping ? logger.info({ err: error }, 'start given up') : die(error, 'start failed'),
);

async function run(): Promise<void> {
  if (config.migrate === 'only') return migrateOnly();
  await (isPrimary ? startFleet() : start());
}

/** A step of its own in a deployment, before processes with MIGRATE=off are started. */
async function migrateOnly(): Promise<void> {
  const { directUrl } = await openDatabase();
  await bringSchemaUpToDate(directUrl);
  await stop(0);
}

/** One database for all, one schema brought up to date; the rest is each worker's own. */
async function startFleet(): Promise<void> {
  const { url, directUrl, label } = await openDatabase();
  await bringSchemaUpToDate(directUrl);
  const workers = new Workers({
    count: config.workers,
    env: { MIGRATE: 'off', ...(config.databaseUrl === null && { DATABASE_URL: url }) },
    logger,
    stopTimeoutMs: config.shutdownTimeoutMs,
    onHopeless: (error) => die(error, 'workers do not live'),
  });
  lifecycle.onStop('workers', () => workers.stop());
  process.on('SIGHUP', () => void workers.reload());
  // On a socket that outlives us workers accept by themselves: a primary takes what they do not listen for any more (decision 0028).
  if (supervision.listenFd !== null) cluster.schedulingPolicy = cluster.SCHED_NONE;
  new FleetMetrics().listen();
  countForFleet();
  const { port, modules } = await workers.start();
  await tellSystemd();
  logger.info({ port, workers: config.workers }, 'listening');
  greet(port, label, modules);
}

async function start(): Promise<void> {
  const { url, directUrl, label } = await openDatabase();
  await bringSchemaUpToDate(directUrl);
  const build = await buildOf();
  const currentTraceId = await recordTraces(build);
  const metrics = new Metrics();
  metrics.observeProcess(build);
  if (isOfFleet) joinCluster(metrics);
  const { database, load } = openPool(url, metrics);
  await requireDurableCommits(database);
  if (isPooled) await requireTimeouts(database, config.databaseStatementTimeoutMs);
  await requireConnections(database);

  const redis = await openRedis();
  const own = { url: config.publicUrl };
  const modules = createModules({
    config,
    databaseOf: () => database,
    logger,
    metrics,
    mailer: createMailer(config, logger.child({ module: 'mail' })),
    secrets: await readSecrets(),
    ownUrl: () => own.url,
    attemptKeepers: redis,
    now: await openClock(database),
    caches: openCaches(directUrl, metrics),
  });
  await makeFirstAdmin(modules);
  metrics.observe(readingsOf(modules, database));
  const dispatcher = await announceSubscriptions(modules, database, metrics);
  if (config.role !== 'web') await startWorker(modules, database, dispatcher, { directUrl, metrics });

  const checkReady = () => requireReady(database);
  const hitKeepers = [...redis, ...(isOfFleet ? [resting(new FleetCounter(), limitsLog)] : [])];
  const operations = { config, logger, metrics, ...build, load, checkReady, currentTraceId, hitKeepers };
  const app = createApp(modules, operations);
  collectGarbageOfStart();
  const address = await listen(app);
  watchProcess(metrics, load);
  if (config.role !== 'worker') own.url = `http://${address.family === 'IPv6' ? '[::1]' : '127.0.0.1'}:${address.port}`;
  const names = listModules(modules).map(({ name }) => name);
  if (isOfFleet) return tellReady(address.port, names);
  if (supervision.isNotified)
    process.on('SIGHUP', () => logger.warn('WORKERS is 1: nothing to reload, restart instead'));
  await tellSystemd();
  process.send?.('ready'); // what PM2 waits for
  logger.info({ port: address.port, role: config.role, ...build }, 'listening');
  greet(address.port, label, names);
}

/** Registered last, so it is the first to hear of a stop. */
async function tellSystemd(): Promise<void> {
  const systemd = new Systemd(supervision, logger);
  lifecycle.onStop('systemd', () => systemd.stopping());
  await systemd.ready();
}

/** Loaded only where it is configured; a worker limits nobody. */
async function openRedis(): Promise<HitCounter[]> {
  if (config.redisUrl === null || config.role === 'worker') return [];
  const { RedisCounter } = await import('./shared/limits/redis-counter.ts');
  const counter = new RedisCounter(config.redisUrl, limitsLog);
  lifecycle.onStop('Redis', () => counter.close());
  return [resting(counter, limitsLog)];
}

/** They hear what other processes change; a worker remembers nothing for long. */
function openCaches(directUrl: string, metrics: Metrics): Caches {
  const caches = new Caches(metrics);
  if (config.role === 'worker') return caches;
  const log = logger.child({ module: 'caches' });
  const listener = new ChangeListener({ connectionString: directUrl, hearer: caches, logger: log });
  listener.start();
  lifecycle.onStop('changes', () => listener.stop());
  return caches;
}

/** Tokens of one process are read by others, whatever the clock on their wall says. */
async function openClock(database: Database): Promise<() => number> {
  const clock = new DatabaseClock(database, logger);
  await clock.start();
  lifecycle.onStop('clock', () => clock.stop());
  return clock.now;
}

function greet(port: number, database: string, modules: string[]): void {
  if (config.nodeEnv === 'development') process.stdout.write(banner({ url: urlFor(port), database, modules }));
}

/** Signals for the whole group reach workers too: the primary decides what they mean, and passes on what is for us. */
function obeyPrimary(): void {
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', () => lifecycle.isStopping || void stop(0));
  process.on('disconnect', () => lifecycle.isStopping || void stop(0));
  process.on('message', ({ told }: ToWorker) => {
    if (told !== 'retire') return;
    isRetired = true;
    void stop(0);
  });
}

/** Before it listens: the numbers are left behind when the last request is over. */
function joinCluster(metrics: Metrics): void {
  const fleet = joinFleet(metrics.registry);
  metrics.ofProcesses = fleet.metrics;
  lifecycle.onStop('metrics', () => fleet.farewell());
}

/** Without an endpoint nothing of it is even imported: recording costs, not recording must not. */
async function recordTraces({ version }: Build): Promise<(() => string | undefined) | undefined> {
  const { otelExporterOtlpEndpoint: endpoint, otelTracesSamplerArg: sampleRatio, role } = config;
  if (endpoint === null) return undefined;
  const { currentTraceId, startTracing } = await import('./shared/tracing/tracing.ts');
  const log = logger.child({ module: 'tracing' });
  lifecycle.onStop('traces', startTracing({ endpoint, sampleRatio, version, role, logger: log }));
  return currentTraceId;
}

/** What holds up the loop, and what memory there is: in numbers, and in the log. The start itself holds it up, and does not count. */
function watchProcess(metrics: Metrics, load: Load): void {
  const eventLoop = new EventLoopWatch({ logger, metrics });
  eventLoop.start();
  load.watchLoop();
  lifecycle.onStop('watches', () => eventLoop.stop());
  lifecycle.onStop('memory line', logMemory(logger));
}

function tellReady(port: number, modules: string[]): void {
  logger.info({ port, pid: process.pid }, 'worker listening');
  process.send?.({ said: 'ready', port, modules } satisfies FromWorker);
}

async function readSecrets(): Promise<{ jwt: string; testProvider: string }> {
  return {
    jwt: config.jwtSecret ?? (await ownSecret(config.dataDir, 'jwt-secret')),
    testProvider: config.testProviderSecret ?? (await ownSecret(config.dataDir, 'test-provider-secret')),
  };
}

async function makeFirstAdmin({ users }: Modules): Promise<void> {
  const { adminEmail: email, adminPassword: password } = config;
  if (email !== null && password !== null) await users.service.ensureAdmin({ email, password });
}

/** In every role: a web process records facts, so it must know who is to hear them. */
async function announceSubscriptions(modules: Modules, database: Database, metrics: Metrics): Promise<Dispatcher> {
  const subscriptions = listModules(modules).flatMap((one) => one.subscriptions);
  const { eventsPollMs: pollMs } = config;
  const log = logger.child({ module: 'events' });
  const dispatcher = new Dispatcher({ database, subscriptions, logger: log, metrics, pollMs });
  await dispatcher.announce();
  return dispatcher;
}

/** `directUrl`: jobs LISTEN, which does not pass a pooler. */
async function startWorker(
  modules: Modules,
  database: Database,
  dispatcher: Dispatcher,
  { directUrl, metrics }: { directUrl: string; metrics: Metrics },
): Promise<void> {
  modules.outbox.onRecorded((type) => dispatcher.wake(type));
  dispatcher.start();
  lifecycle.onStop('events', () => dispatcher.stop());
  await startJobs(directUrl, allJobs(modules, database), metrics);
}

function readConfig(): { config: Config; supervision: Supervision } {
  try {
    loadEnvFile('.env');
    // A worker of a cluster inherits what was said to its primary.
    const supervised = cluster.isWorker ? process.ppid : process.pid;
    return { config: loadConfig(process.env), supervision: loadSupervision(process.env, supervised) };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`${error.message}\n`);
    return process.exit(CONFIG_EXIT_CODE);
  }
}

/** `directUrl` reaches the server without a pooler in between: jobs listen, migrations lock. */
async function openDatabase(): Promise<{ url: string; directUrl: string; label: string }> {
  if (config.databaseUrl !== null) {
    return {
      url: config.databaseUrl,
      directUrl: config.databaseDirectUrl ?? config.databaseUrl,
      label: 'PostgreSQL at DATABASE_URL',
    };
  }
  const embedded = await startEmbeddedPostgres({
    dataDir: config.dataDir,
    onOutput: (line) => logger.debug({ module: 'postgres' }, line),
  });
  lifecycle.onStop('embedded PostgreSQL', () => embedded.stop());
  return { url: embedded.url, directUrl: embedded.url, label: `embedded PostgreSQL, data in ${embedded.dataPath}` };
}

async function bringSchemaUpToDate(url: string): Promise<void> {
  if (config.migrate !== 'off') {
    const applied = await migrate(url, migrationSources);
    if (applied.length > 0) logger.info({ applied }, 'migrations applied');
    return;
  }
  const pending = await pendingMigrations(url, migrationSources);
  if (pending.length > 0) throw new Error(`MIGRATE=off, but these migrations are missing: ${pending.join(', ')}`);
}

function openPool(url: string, metrics: Metrics): { database: Database; load: Load } {
  const { databasePoolMax: max, databaseStatementTimeoutMs: statementTimeoutMs, databasePrepared: prepared } = config;
  const pool = createPool(
    { connectionString: url, max, statementTimeoutMs, applicationName: 'waybill', isPooled },
    logger,
  );
  lifecycle.onStop('database pool', () => pool.end());
  metrics.observePool(pool);
  const load = new Load({ waiting: () => pool.waitingCount, poolMax: max, loopDelayMs: config.overloadLoopDelayMs });
  return { database: createDatabase(pool, { prepared, deadlineMs: statementTimeoutMs + 700 }), load };
}

/** Behind a pooler only those that go past it: the rest is the pooler's to keep within bounds. */
async function requireConnections(database: Database): Promise<void> {
  const { workers, replicas, databasePoolMax, role, nodeEnv } = config;
  const besides = (role === 'web' ? 0 : JOBS_POOL_MAX) + (role === 'worker' ? 0 : 1);
  const processes = { workers, replicas, poolMax: isPooled ? 0 : databasePoolMax, besides };
  const shortage = await shortageOfConnections(database, processes);
  if (shortage === null) return;
  if (nodeEnv === 'staging' || nodeEnv === 'production') throw new Error(shortage);
  logger.warn(shortage);
}

async function startJobs(url: string, jobs: RecurringJob[], metrics: Metrics): Promise<void> {
  const pool = createPool(
    {
      connectionString: url,
      max: JOBS_POOL_MAX,
      statementTimeoutMs: JOBS_STATEMENT_TIMEOUT_MS,
      queryTimeoutMs: JOBS_STATEMENT_TIMEOUT_MS + 500,
      applicationName: 'waybill-jobs',
    },
    logger,
  );
  lifecycle.onStop('job pool', () => pool.end());
  const runner = new JobRunner({ pool, jobs, logger: logger.child({ module: 'jobs' }), metrics });
  await runner.start();
  lifecycle.onStop('jobs', () => runner.stop());
}

async function requireReady(database: Database): Promise<void> {
  if (lifecycle.isStopping && !isRetired) throw new Error('stopping');
  await within(READY_TIMEOUT_MS, () => database.query('SELECT 1'));
}

async function listen(app: Parameters<typeof createHttpServer>[0]): Promise<AddressInfo> {
  const server = createHttpServer(app, { connectionsMax: config.httpConnectionsMax, logger });
  const drain = new HttpDrain(server);
  server.listen(whereToListen());
  await once(server, 'listening');
  lifecycle.onStop('http', () => drain.finish());
  // Ready says 503 from now on; the balancer needs a while to see it.
  lifecycle.onStop('balancer', () => sleep(isRetired ? 0 : config.drainDelayMs));
  return server.address() as AddressInfo;
}

/** On the socket that systemd holds for us, else on one of our own. */
function whereToListen(): { fd: number } | { port: number; host?: string } {
  const { listenFd } = supervision;
  if (listenFd !== null) return { fd: listenFd };
  return { port: config.port, ...(config.host !== null && { host: config.host }) };
}

/** PUBLIC_URL unless it is only the default, which does not know the port that PORT=0 was given. */
function urlFor(port: number): string {
  return config.publicUrl === `http://localhost:${config.port}` ? `http://localhost:${port}` : config.publicUrl;
}

/** A second signal does not wait any longer. */
async function stop(exitCode: number): Promise<void> {
  if (lifecycle.isStopping) process.exit(1);
  logger.info('stopping');
  const isClean = await lifecycle.stop();
  logger.info({ isClean }, 'stopped');
  await new Promise<void>((resolve) => logger.flush(() => resolve()));
  process.exit(isClean ? exitCode : 1);
}

function die(error: unknown, message: string): void {
  logger.fatal({ err: error }, message);
  if (lifecycle.isStopping) process.exit(1);
  setTimeout(() => process.exit(1), 10_000).unref();
  void stop(1);
}
