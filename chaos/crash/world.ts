// The world around the server under test: one PostgreSQL, people, products, and time that can be let pass.
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { migrationSources } from '../../app.ts';
import { databaseUrl, startEmbeddedPostgres, type EmbeddedPostgres } from '../../shared/database/embedded.ts';
import { migrate } from '../../shared/database/migrate.ts';
import { compileServer } from './build.ts';
import { ON_HAND } from './checks.ts';
import type { Sql } from './sql.ts';
import { must, post, PROVIDER_SECRET } from './client.ts';
import type { Program } from './server.ts';

const PASSWORD = 'Correct-horse-7-staple';
const ADMIN = 'admin@example.com';
const CUSTOMER = 'ada@example.com';
const DEATH_MS = 5000;
const DAY_MS = 86_400_000;

/** One database with one server: lanes do not see each other. */
export type Lane = { sql: Sql; program: Omit<Program, 'preloads'> };
export type World = { lanes: Lane[]; stop: () => Promise<void> };

/** Only the server dies here, never PostgreSQL: nothing needs to be flushed. */
const settings = { fsync: 'off', full_page_writes: 'off', max_connections: '100' };

export async function createWorld(lanes: number): Promise<World> {
  const folder = await compileServer();
  const dataDir = await mkdtemp(join(tmpdir(), 'waybill-crash-'));
  await chmod(dataDir, 0o755); // PostgreSQL does not run as root and must be able to enter
  const postgres = await startEmbeddedPostgres({ dataDir, settings });
  const pools: pg.Pool[] = [];
  const open = async (lane: number): Promise<Lane> => {
    const superuser = new pg.Pool({
      connectionString: databaseUrl(postgres, `lane_${lane}`, 'postgres'),
      max: 2,
      application_name: 'crash-harness',
    });
    superuser.on('error', () => undefined); // the next query tells
    pools.push(superuser);
    const sql: Sql = async <Row extends object>(text: string, values: unknown[] = []) =>
      (await superuser.query<Row & pg.QueryResultRow>(text, values)).rows;
    return { sql, program: { folder, env: environment(databaseUrl(postgres, `lane_${lane}`)) } };
  };
  await makeDatabases(postgres, lanes);
  return {
    lanes: await Promise.all(Array.from({ length: lanes }, (_, lane) => open(lane))),
    stop: async () => {
      await Promise.all(pools.map((pool) => pool.end()));
      await postgres.stop();
      for (const place of [dataDir, folder]) await rm(place, { recursive: true, force: true });
    },
  };
}

/** Migrated once, then copied. */
async function makeDatabases(postgres: EmbeddedPostgres, lanes: number): Promise<void> {
  await migrate(postgres.url, migrationSources);
  const client = new pg.Client({ connectionString: postgres.superuserUrl });
  await client.connect();
  for (let lane = 0; lane < lanes; lane++)
    await client.query(`CREATE DATABASE lane_${lane} TEMPLATE waybill OWNER waybill`);
  await client.end();
}

/** A process that answers, too, and leaves the work behind the answers to the one that dies. It is known by its name in PostgreSQL. */
export function besides({ env, ...program }: Program): Program {
  const url = new URL(env['DATABASE_URL'] ?? '');
  url.searchParams.set('application_name', 'neighbour');
  return { ...program, env: { ...env, ROLE: 'web', DATABASE_URL: url.href } };
}

/** A reservation outlives the run: expiry is not what is tested. */
const environment = (databaseUrl: string) => ({
  PATH: process.env['PATH'] ?? '',
  HOME: process.env['HOME'] ?? '',
  NODE_ENV: 'test',
  ROLE: 'all',
  PORT: '0',
  LOG_LEVEL: 'info',
  DATABASE_URL: databaseUrl,
  DATABASE_POOL_MAX: '10',
  JWT_SECRET: 'crash-only-jwt-secret-0123456789abcdefghij',
  TEST_PROVIDER_SECRET: PROVIDER_SECRET,
  ACCESS_TOKEN_TTL_MS: String(DAY_MS),
  ADMIN_EMAIL: ADMIN,
  ADMIN_PASSWORD: PASSWORD,
  RESERVATION_TTL_MS: String(DAY_MS),
  EVENTS_POLL_MS: '200',
  RATE_LIMIT_MAX: '0',
  RATE_LIMIT_ACCOUNT_MAX: '0',
  LOGIN_RATE_LIMIT_MAX: '0',
  LOGIN_RATE_LIMIT_ADDRESS_MAX: '0',
});

export async function register(url: string): Promise<void> {
  await must(post(url, { path: '/users', body: { email: CUSTOMER, name: 'Ada', password: PASSWORD } }, { token: '' }));
}

/** A new session each time: the server has to read it, whatever it remembers of others. */
export async function logIn(url: string, who: 'customer' | 'admin'): Promise<string> {
  const email = who === 'admin' ? ADMIN : CUSTOMER;
  const { data } = await must(post(url, { path: '/auth/login', body: { email, password: PASSWORD } }, { token: '' }));
  return String(data['accessToken']);
}

export async function sell(url: string, adminToken: string, sku: string): Promise<void> {
  const product = {
    title: 'A mug',
    variants: [{ sku, price: { amount: 1000, currency: 'EUR' }, taxRateBps: 1900, onHand: ON_HAND }],
  };
  await must(post(url, { path: '/products', body: product }, { token: adminToken }));
}

/** What was sent before the kill is still worked on; only when its backends are gone is the state that of a crash. */
export async function untilBuried(sql: Sql): Promise<void> {
  const deadline = Date.now() + DEATH_MS;
  for (;;) {
    const alive = await sql(
      `SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'waybill%' AND datname = current_database()`,
    );
    if (alive.length === 0) return;
    if (Date.now() > deadline) throw new Error('PostgreSQL still has connections of the killed server after 5 s');
    await sleep(5);
  }
}

export async function now(sql: Sql): Promise<Date> {
  const [row] = await sql<{ now: Date }>('SELECT clock_timestamp() AS now');
  return row?.now ?? new Date();
}

/** Every lease and every look that ends before `end` has ended; then the reconciling job comes round. */
export async function letTimePass(sql: Sql, end: Date): Promise<void> {
  await sql(
    `UPDATE idempotency.keys SET leased_until = now() WHERE outcome IS NULL AND leased_until BETWEEN now() AND $1`,
    [end],
  );
  await sql(`UPDATE events.deliveries SET next_at = now() WHERE status = 'pending' AND next_at BETWEEN now() AND $1`, [
    end,
  ]);
  await sql(`UPDATE payments.payments SET check_at = now() WHERE check_at BETWEEN now() AND $1`, [end]);
  await sql(`UPDATE payments.refunds SET check_at = now() WHERE status = 'pending' AND check_at BETWEEN now() AND $1`, [
    end,
  ]);
  const job = 'payments.reconcile';
  await sql(`SELECT graphile_worker.add_job($1, '{}', queue_name => $1, max_attempts => 1, job_key => $1)`, [job]);
}
