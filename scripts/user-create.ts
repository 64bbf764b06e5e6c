// Makes a user of any role: npm run user:create -- --email ada@example.com --role admin [--name "Ada Lovelace"]
import { randomBytes } from 'node:crypto';
import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { parseArgs } from 'node:util';
import { auditMigrations, createAudit } from '../modules/audit/index.ts';
import { createUsers, roles, usersMigrations, type Role } from '../modules/users/index.ts';
import { CONFIG_EXIT_CODE, ConfigError, loadConfig, type Config } from '../shared/config/config.ts';
import { loadEnvFile } from '../shared/config/env-file.ts';
import { createDatabase } from '../shared/database/database.ts';
import { attachEmbeddedPostgres, startEmbeddedPostgres } from '../shared/database/embedded.ts';
import { migrate, pendingMigrations } from '../shared/database/migrate.ts';
import { createPool } from '../shared/database/pool.ts';
import { AppError } from '../shared/errors/app-error.ts';
import { createLogger, type Logger } from '../shared/logging/logger.ts';

const USAGE = `usage: npm run user:create -- --email <address> --role <${roles.join(' | ')}> [--name <name>]
The password is asked for, or read as one line from standard input.`;

/** That somebody was made is an entry of the audit trail. */
const needed = [auditMigrations, usersMigrations];

/** EX_USAGE of sysexits.h. */
const USAGE_EXIT_CODE = 64;
/** As a shell reports a program that Ctrl-C ended: 128 + SIGINT. */
const INTERRUPTED_EXIT_CODE = 130;

class UsageError extends Error {}

type Request = { email: string; role: Role; name?: string };
type Server = { url: string; directUrl: string; stop: () => Promise<void> };

try {
  await main();
} catch (error) {
  process.stderr.write(`${explain(error)}\n`);
  process.exitCode = exitCodeOf(error);
}

async function main(): Promise<void> {
  const request = readArguments(process.argv.slice(2));
  loadEnvFile('.env');
  const config = loadConfig(process.env);
  const password = process.stdin.isTTY ? await askTwice() : await readLine();
  const server = await reachServer(config);
  try {
    await create(config, server, { ...request, password });
  } finally {
    await server.stop();
  }
}

function readArguments(args: string[]): Request {
  const { email, role: word, name } = parsed(args);
  if (email === undefined) throw new UsageError('--email is missing');
  if (word === undefined) throw new UsageError('--role is missing');
  const role = roles.find((known) => known === word);
  if (role === undefined) throw new UsageError(`there is no role ${JSON.stringify(word)}`);
  return { email, role, ...(name !== undefined && { name }) };
}

function parsed(args: string[]) {
  const text = { type: 'string' } as const;
  try {
    return parseArgs({ args, options: { email: text, role: text, name: text } }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

async function askTwice(): Promise<string> {
  const password = await ask('Password: ');
  if (password !== (await ask('Again: '))) throw new Error('The two passwords differ.');
  return password;
}

/** The terminal echoes nothing itself while readline reads it, and what readline echoes goes nowhere. */
async function ask(question: string): Promise<string> {
  process.stderr.write(question);
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: process.stdin, output: nowhere, terminal: true, historySize: 0 });
  lines.once('SIGINT', () => {
    process.stderr.write('\n');
    process.exit(INTERRUPTED_EXIT_CODE);
  });
  const line = await firstLine(lines);
  process.stderr.write('\n');
  return line;
}

function readLine(): Promise<string> {
  return firstLine(createInterface({ input: process.stdin }));
}

async function firstLine(lines: ReturnType<typeof createInterface>): Promise<string> {
  return new Promise((resolve, reject) => {
    lines.once('line', (line) => {
      resolve(line);
      lines.close();
    });
    lines.once('close', () => reject(new Error('No password was given.')));
  });
}

/** A running one is left running; one that had to be started is stopped again. */
async function reachServer({ databaseUrl, databaseDirectUrl, dataDir }: Config): Promise<Server> {
  if (databaseUrl !== null)
    return { url: databaseUrl, directUrl: databaseDirectUrl ?? databaseUrl, stop: async () => {} };
  const server = (await attachEmbeddedPostgres({ dataDir })) ?? (await startEmbeddedPostgres({ dataDir }));
  return { url: server.url, directUrl: server.url, stop: () => server.stop() };
}

async function create(config: Config, server: Server, user: Request & { password: string }): Promise<void> {
  await prepareSchema(config, server);
  const logger = createLogger({ level: 'warn', isPretty: false }, process.stderr);
  const { databaseStatementTimeoutMs: statementTimeoutMs } = config;
  const pool = createPool(
    { connectionString: server.url, max: 1, statementTimeoutMs, applicationName: 'waybill-user-create' },
    logger,
  );
  try {
    const database = createDatabase(pool, { prepared: config.databasePrepared });
    const { id, email, role } = await serviceOn(database, logger).createUser(user);
    process.stdout.write(`Created ${role} ${email} (${id})\n`);
  } finally {
    await pool.end();
  }
}

async function prepareSchema({ migrate: mayMigrate }: Config, { directUrl }: Server): Promise<void> {
  if (mayMigrate) return void (await migrate(directUrl, needed));
  const pending = await pendingMigrations(directUrl, needed);
  if (pending.length > 0) throw new Error(`MIGRATE is off and these migrations are not applied: ${pending.join(', ')}`);
}

/** No token is made or read here, so none of the server's secrets is needed. */
function serviceOn(database: ReturnType<typeof createDatabase>, logger: Logger) {
  const tokens = { secret: randomBytes(32).toString('hex'), accessTtlMs: 0, refreshTtlMs: 0, refreshGraceMs: 0 };
  const audit = createAudit({ database }).service;
  const limits = { windowMs: 0, loginMax: 0, loginAddressMax: 0 };
  return createUsers({ database, audit, logger, tokens, limits }).service;
}

function explain(error: unknown): string {
  if (error instanceof UsageError) return `${error.message}\n${USAGE}`;
  if (error instanceof AppError)
    return [
      error.message,
      ...(error.faults ?? []).map(({ pointer, message }) => `  ${pointer.slice(1)}: ${message}`),
    ].join('\n');
  return error instanceof Error ? error.message : String(error);
}

function exitCodeOf(error: unknown): number {
  if (error instanceof UsageError) return USAGE_EXIT_CODE;
  return error instanceof ConfigError ? CONFIG_EXIT_CODE : 1;
}
