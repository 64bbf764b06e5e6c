// For commands: the modules on the database that this folder's server uses, whether it runs or not.
import { randomBytes } from 'node:crypto';
import { createModules, migrationSources, type Modules } from '../app.ts';
import type { Config } from '../shared/config/config.ts';
import { createDatabase, type Database } from '../shared/database/database.ts';
import { attachEmbeddedPostgres, startEmbeddedPostgres } from '../shared/database/embedded.ts';
import { migrate, pendingMigrations } from '../shared/database/migrate.ts';
import { createPool } from '../shared/database/pool.ts';
import { ownSecret } from '../shared/config/secrets.ts';
import { createLogger, type Logger } from '../shared/logging/logger.ts';
import { createMailer } from '../shared/mail/create-mailer.ts';
import type { Mailer } from '../shared/mail/mailer.ts';
import { Metrics } from '../shared/metrics/metrics.ts';

type Server = { url: string; directUrl: string; stop: () => Promise<void> };
export type Opened = {
  modules: Modules;
  /** The same database, other settings. */
  modulesWith: (changes: Partial<Config>) => Modules;
  database: Database;
  /** Past a pooler, for what is not done in a moment. */
  directUrl: string;
};
type Options = {
  name: string;
  /** A command may think longer than a request. */
  statementTimeoutMs: number;
  connectionsMax: number;
  /** Else it is refused when migrations are missing. */
  mayMigrate: boolean;
  /** What it delivers is mailed, and known to be ours, as if the server did it. Else it writes to nobody: what it makes are not people who wait. */
  speaks?: boolean;
};

export async function withModules(
  config: Config,
  { name, statementTimeoutMs, connectionsMax, mayMigrate, speaks = false }: Options,
  work: (opened: Opened) => Promise<void>,
): Promise<void> {
  const server = await reachServer(config);
  const logger = createLogger({ level: 'warn', isPretty: false }, process.stderr);
  const pool = createPool(
    { connectionString: server.url, max: connectionsMax, statementTimeoutMs, applicationName: `waybill-${name}` },
    logger,
  );
  try {
    await prepareSchema(mayMigrate && config.migrate !== 'off', server.directUrl);
    const options = { prepared: config.databasePrepared, deadlineMs: statementTimeoutMs + 700 };
    const database = createDatabase(pool, options);
    const voice = speaks ? await voiceOf(config, logger) : mute();
    const modulesWith = (changes: Partial<Config>) => modulesOn({ ...config, ...changes }, database, logger, voice);
    await work({ modules: modulesWith({}), modulesWith, database, directUrl: server.directUrl });
  } finally {
    await pool.end();
    await server.stop();
  }
}

/** A running one is left running; one that had to be started is stopped again. */
async function reachServer({ databaseUrl, databaseDirectUrl, dataDir }: Config): Promise<Server> {
  if (databaseUrl !== null)
    return { url: databaseUrl, directUrl: databaseDirectUrl ?? databaseUrl, stop: async () => {} };
  const server = (await attachEmbeddedPostgres({ dataDir })) ?? (await startEmbeddedPostgres({ dataDir }));
  return { url: server.url, directUrl: server.url, stop: () => server.stop() };
}

async function prepareSchema(mayMigrate: boolean, directUrl: string): Promise<void> {
  if (mayMigrate) return void (await migrate(directUrl, migrationSources));
  const pending = await pendingMigrations(directUrl, migrationSources);
  if (pending.length > 0) throw new Error(`These migrations are not applied: ${pending.join(', ')}`);
}

type Voice = { mailer: Mailer; testProviderSecret: string };

const mute = (): Voice => ({
  mailer: { delivers: false, send: async () => undefined },
  testProviderSecret: randomBytes(32).toString('hex'),
});

const voiceOf = async (config: Config, logger: Logger): Promise<Voice> => ({
  mailer: createMailer(config, logger),
  testProviderSecret: config.testProviderSecret ?? (await ownSecret(config.dataDir, 'test-provider-secret')),
});

/** No token is made or read here, so the secret of the server's tokens is not needed. */
function modulesOn(
  config: Config,
  database: Database,
  logger: Logger,
  { mailer, testProviderSecret: testProvider }: Voice,
): Modules {
  const secrets = { jwt: randomBytes(32).toString('hex'), testProvider };
  const metrics = new Metrics();
  return createModules({
    config,
    databaseOf: () => database,
    logger,
    metrics,
    mailer,
    secrets,
    ownUrl: () => config.publicUrl,
  });
}
