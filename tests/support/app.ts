// A whole Waybill for one test file: its own database, every module under its own role, and people to act in the story.
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import pg from 'pg';
import { inject } from 'vitest';
import { allJobs, createApp, createModules, listModules, openApiOf, readingsOf, type Modules } from '../../app.ts';
import { loadConfig, type Config } from '../../shared/config/config.ts';
import { createDatabase, type Database } from '../../shared/database/database.ts';
import { createPool } from '../../shared/database/pool.ts';
import { Dispatcher } from '../../shared/events/dispatcher.ts';
import { createHttpServer } from '../../shared/http/http-server.ts';
import { createLogger, type Logger } from '../../shared/logging/logger.ts';
import type { Mailer } from '../../shared/mail/mailer.ts';
import type { Mail } from '../../shared/mail/message.ts';
import { Load } from '../../shared/metrics/load.ts';
import { Metrics } from '../../shared/metrics/metrics.ts';
import { createApi, type Api } from './api.ts';
import { asModule, withOwnRole } from './roles.ts';

export type Person = {
  userId: string;
  email: string;
  password: string;
  accessToken: string;
  refreshToken: string;
  auth: { Authorization: string };
};
type Options = {
  config?: Partial<Config>;
  logger?: Logger;
  mailer?: Mailer;
  load?: Load;
  /** With the database, before anything of the app is connected to it. */
  prepare?: (urlFor: (role: string) => string) => Promise<void>;
  onConnect?: (client: pg.PoolClient, role: string) => void;
};

export const key = (value: string = randomUUID()) => ({ 'Idempotency-Key': value });

const SECRETS = { jwt: 'test-only-jwt-secret-0123456789abcdefghijklmnop', testProvider: 'test-only-provider-secret' };

/** Limits are off: stories are told from one address. The tests of limits switch them on. */
const quiet: Partial<Config> = {
  rateLimitMax: 0,
  rateLimitAccountMax: 0,
  loginRateLimitMax: 0,
  loginRateLimitAddressMax: 0,
};

/** Lowest cost: what is tested is that a password is checked, not how slowly. */
const testEnv = { NODE_ENV: 'test', PORT: '3000', LOG_LEVEL: 'silent' };

export async function startTestApp({
  config: overrides = {},
  logger = createLogger({ level: 'silent', isPretty: false }),
  mailer,
  load = new Load({ waiting: () => 0, poolMax: 1000, loopDelayMs: 0 }),
  prepare = async () => undefined,
  onConnect = () => undefined,
}: Options = {}) {
  const config: Config = { ...loadConfig(testEnv), ...quiet, ...overrides };
  const { urlFor, drop } = await createTestDatabase();
  await prepare(urlFor);
  const pools: pg.Pool[] = [];
  const open = (role: string, connectionString: string, max: number): pg.Pool => {
    const pool = createPool(
      { connectionString, max, statementTimeoutMs: config.databaseStatementTimeoutMs, applicationName: `test-${role}` },
      logger,
    );
    pool.on('connect', (client) => onConnect(client, role));
    pools.push(pool);
    return pool;
  };
  const superuser = open('postgres', urlFor('postgres'), 5);
  const owner = createDatabase(open('waybill', urlFor('waybill'), 5));
  const databaseOf = (module: string): Database =>
    withOwnRole(createDatabase(open(module, asModule(urlFor, module), 10)), module);

  let ownUrl = 'http://127.0.0.1:9';
  const mails: Mail[] = [];
  const postbox: Mailer = { delivers: true, send: async (mail) => void mails.push(mail) };
  const metrics = new Metrics({ freshMs: 0 });
  const modules = createModules({
    config,
    databaseOf,
    logger,
    metrics,
    mailer: mailer ?? postbox,
    secrets: SECRETS,
    ownUrl: () => ownUrl,
  });
  const dispatcher = new Dispatcher({
    database: owner,
    subscriptions: listModules(modules).flatMap((one) => one.subscriptions),
    logger,
    metrics,
    pollMs: 50,
  });
  await dispatcher.announce();
  metrics.observe(readingsOf(modules, owner));
  const app = createApp(modules, {
    config,
    logger,
    metrics,
    version: '0.0.0-test',
    commit: 'test',
    load,
    checkReady: async () => void (await owner.query('SELECT 1')),
  });
  const server = createHttpServer(app, { connectionsMax: config.httpConnectionsMax, logger });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  ownUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const document = openApiOf(modules, '0.0.0-test');
  const api = createApi(server, document as never);
  const jobs = allJobs(modules, owner);

  return {
    api,
    config,
    modules,
    document,
    dispatcher,
    metrics,
    /** What was sent, after `dispatch()`. */
    mails,
    database: owner,
    url: ownUrl,
    listen: () => ownUrl,
    databaseUrlFor: urlFor,
    sql: async <Row extends pg.QueryResultRow = Record<string, unknown>>(
      text: string,
      values: unknown[] = [],
    ): Promise<Row[]> => (await superuser.query<Row>(text, values)).rows,
    runJob: async (name: string): Promise<void> => {
      const job = jobs.find((one) => one.name === name);
      if (job === undefined) throw new Error(`no job ${name}`);
      await job.run();
    },
    /** The token of the latest mail to this address. */
    mailedToken: async (email: string): Promise<string> => {
      await dispatcher.drain();
      const token = tokenIn(mails.findLast(({ to }) => to === email)?.text ?? '');
      if (token === null) throw new Error(`no mail with a token came to ${email}`);
      return token;
    },
    dispatch: () => dispatcher.drain(),
    signIn: (person: { role?: string; email?: string; password?: string } = {}) => signIn(api, modules, person),
    sellable: (item: Sellable = {}) => sellable(api, modules, item),
    close: async (): Promise<void> => {
      await closeServer(server);
      await Promise.all(pools.map((pool) => pool.end()));
      await drop();
    },
  };
}

export type TestApp = Awaited<ReturnType<typeof startTestApp>>;

/** 256 bits in base64url, on a line of their own or at the end of a link. */
const tokenIn = (text: string): string | null => /(?:^|=)([\w-]{43})$/m.exec(text)?.[1] ?? null;

/** A copy of the migrated template: 20 to 40 ms. */
export async function createTestDatabase(): Promise<{ urlFor: (role: string) => string; drop: () => Promise<void> }> {
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  const urlFor = (role: string, database = name) =>
    inject('databaseUrlPattern').replace('DATABASE_NAME', database).replace('ROLE_NAME', role);
  await asSuperuser(
    urlFor('postgres', 'postgres'),
    `CREATE DATABASE ${name} TEMPLATE template_waybill STRATEGY FILE_COPY OWNER waybill`,
  );
  return { urlFor, drop: () => asSuperuser(urlFor('postgres', 'postgres'), `DROP DATABASE ${name} WITH (FORCE)`) };
}

async function asSuperuser(connectionString: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

async function closeServer(server: Server): Promise<void> {
  server.close();
  server.closeAllConnections();
  await once(server, 'close');
}

type NewPerson = { role?: string; email?: string; password?: string };

async function signIn(
  api: Api,
  modules: Modules,
  { role = 'customer', email = `${role}-${randomUUID()}@example.com`, password = 'Correct-horse-7-staple' }: NewPerson,
): Promise<Person> {
  const { id: userId } = await modules.users.service.createUser({ email, name: role, password, role: role as 'admin' });
  const { body } = await api.post('/api/v1/auth/login').send({ email, password }).expect(200);
  const { accessToken, refreshToken } = body.data as { accessToken: string; refreshToken: string };
  return { userId, email, password, accessToken, refreshToken, auth: { Authorization: `Bearer ${accessToken}` } };
}

type Sellable = {
  sku?: string;
  title?: string;
  amount?: number;
  currency?: string;
  taxRateBps?: number;
  onHand?: number;
};

const admins = new WeakMap<Modules, Promise<Person>>();

/** A product with one variant on sale, as staff would make it. */
async function sellable(
  api: Api,
  modules: Modules,
  {
    sku = `SKU-${randomUUID()}`,
    title = 'A thing',
    amount = 1000,
    currency = 'EUR',
    taxRateBps = 1900,
    onHand = 100,
  }: Sellable,
): Promise<{ productId: string; sku: string }> {
  const admin = admins.get(modules) ?? signIn(api, modules, { role: 'admin' });
  admins.set(modules, admin);
  const { auth } = await admin;
  const product = { title, variants: [{ sku, price: { amount, currency }, taxRateBps, onHand }] };
  const { body } = await api.post('/api/v1/products').set(auth).send(product).expect(201);
  return { productId: (body.data as { id: string }).id, sku };
}
