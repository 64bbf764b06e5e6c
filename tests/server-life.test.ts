// The life of a server process: it refuses to start wrong, serves, finishes what runs, and ends.
import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { chmod, mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { key, startTestApp, type TestApp } from './support/app.ts';
import { startServerProcess, type ServerProcess } from './support/server-process.ts';

/** The key of the advisory lock in migrate.ts. */
const MIGRATION_LOCK = 7_245_118_301;

let app: TestApp;
let dataDir: string;
beforeAll(async () => {
  app = await startTestApp();
  dataDir = await mkdtemp(join(tmpdir(), 'waybill-life-'));
  await chmod(dataDir, 0o755);
});
afterAll(async () => {
  await app.close();
  await rm(dataDir, { recursive: true, force: true });
});

type Ended = { code: number | null; output: string };

/** A server that may end by itself. */
function begin(env: Record<string, string>): { child: ChildProcess; ended: Promise<Ended> } {
  const { PATH = '', HOME = '' } = process.env;
  const child = spawn(process.execPath, ['--import', 'tsx', 'server.ts'], {
    env: { PATH, HOME, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  return { child, ended: once(child, 'close').then(([code]) => ({ code: code as number | null, output })) };
}

const ending = (env: Record<string, string>): Promise<Ended> => begin(env).ended;

async function asSuperuser(sql: string): Promise<void> {
  const client = new pg.Client(app.databaseUrlFor('postgres').replace(/\/test_\w+/, '/postgres'));
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}

describe('a start', () => {
  test('with a bad configuration ends with 78 and one message that names every fault, and no secret', async () => {
    const { code, output } = await ending({
      NODE_ENV: 'production',
      PORT: 'http',
      JWT_SECRET: 'short-canary',
      RATE_LIMT_MAX: '3',
      TRUST_PROXY: 'true',
    });
    expect(code).toBe(78);
    for (const variable of [
      'PORT',
      'JWT_SECRET',
      'DATABASE_URL',
      'PUBLIC_URL',
      'RATE_LIMT_MAX',
      'TRUST_PROXY',
      'PAYMENT_PROVIDER',
    ]) {
      expect(output).toMatch(new RegExp(`^  ${variable}: `, 'm'));
    }
    expect(output).not.toContain('short-canary');
  });

  test('without its database ends with 1 and never says that it listens', async () => {
    const { code, output } = await ending({
      NODE_ENV: 'test',
      PORT: '0',
      DATA_DIR: dataDir,
      DATABASE_URL: 'postgresql://nobody:canary-password@127.0.0.1:1/nothing',
    });
    expect(code).toBe(1);
    expect(output).toContain('"level":"fatal"');
    expect(output).not.toContain('listening');
    expect(output).not.toContain('canary-password');
  });

  test('with MIGRATE=off on an empty database names what is missing', async () => {
    const { code, output } = await ending({
      NODE_ENV: 'test',
      PORT: '0',
      DATA_DIR: dataDir,
      MIGRATE: 'off',
      DATABASE_URL: app.databaseUrlFor('postgres').replace(/\/test_\w+/, '/postgres'),
    });
    expect(code).toBe(1);
    expect(output).toContain('orders/0001_orders.sql');
  });

  test('with MIGRATE=only brings an empty database up to date and ends with 0; MIGRATE=off is then content', async () => {
    const name = `empty_${randomUUID().replaceAll('-', '')}`;
    await asSuperuser(`CREATE DATABASE ${name} OWNER waybill`);
    const env = { DATABASE_URL: app.databaseUrlFor('waybill').replace(/\/test_\w+/, `/${name}`), DATA_DIR: dataDir };
    const { code, output } = await ending({ NODE_ENV: 'test', PORT: '0', MIGRATE: 'only', ...env });
    expect(code).toBe(0);
    expect(output).toContain('orders/0001_orders.sql');
    expect(output).not.toContain('listening');
    const server = await startServerProcess({ ...env, MIGRATE: 'off' });
    expect(await server.stop()).toBe(0);
    await asSuperuser(`DROP DATABASE ${name} WITH (FORCE)`);
  });

  test('with more connections than the server has is refused where people depend on it, and tells the sum', async () => {
    const { code, output } = await ending({
      NODE_ENV: 'staging',
      PORT: '0',
      DATA_DIR: dataDir,
      DATABASE_URL: app.databaseUrlFor('waybill'),
      JWT_SECRET: randomBytes(24).toString('hex'),
      REPLICAS: '8',
      DATABASE_POOL_MAX: '100',
    });
    expect(code).toBe(1);
    expect(output).toContain('8 replicas × 1 workers × (100 + 5) = 840 could be needed');
  });

  test('on a database with asynchronous commit is refused: an acknowledged order could be lost', async () => {
    const url = new URL(app.databaseUrlFor('waybill'));
    url.searchParams.set('options', '-c synchronous_commit=off');
    const { code, output } = await ending({ NODE_ENV: 'test', PORT: '0', DATA_DIR: dataDir, DATABASE_URL: url.href });
    expect(code).toBe(1);
    expect(output).toContain('synchronous_commit');
  });

  test('makes its own secrets for a developer, readable by nobody else, the same at the next start', async () => {
    const env = {
      DATABASE_URL: app.databaseUrlFor('waybill'),
      DATA_DIR: dataDir,
      JWT_SECRET: '',
      TEST_PROVIDER_SECRET: '',
    };
    await (await startServerProcess(env)).stop();
    const made = await readFile(join(dataDir, 'jwt-secret'), 'utf8');
    expect(Buffer.from(made, 'base64url')).toHaveLength(32);
    expect((await stat(join(dataDir, 'jwt-secret'))).mode & 0o777).toBe(0o600);
    await (await startServerProcess(env)).stop();
    expect(await readFile(join(dataDir, 'jwt-secret'), 'utf8')).toBe(made);
  });

  test('makes the first admin once, from ADMIN_EMAIL and ADMIN_PASSWORD', async () => {
    const env = {
      DATABASE_URL: app.databaseUrlFor('waybill'),
      ADMIN_EMAIL: 'first@example.com',
      ADMIN_PASSWORD: 'Correct-horse-7-staple',
    };
    const servers = await Promise.all([startServerProcess(env), startServerProcess(env)]);
    await Promise.all(servers.map((server) => server.stop()));
    expect(await app.sql(`SELECT role FROM users.users WHERE email = 'first@example.com'`)).toEqual([
      { role: 'admin' },
    ]);
  });
});

describe('what nobody caught', () => {
  /** Planted from outside: our code has none that we know of. */
  const planted = (crash: string) =>
    `--import=data:text/javascript,${encodeURIComponent(`process.on('SIGUSR2', () => { ${crash} });`)}`;

  test.each([
    ['an exception', 'uncaught exception', `throw new Error('planted');`],
    ['a rejection', 'unhandled rejection', `void Promise.reject(new Error('planted'));`],
  ])('%s is told in one last line, and the process drains and ends with 1', async (_what, message, crash) => {
    const env = { DATABASE_URL: app.databaseUrlFor('waybill'), NODE_OPTIONS: planted(crash) };
    const server = await startServerProcess(env);
    const exited = once(server.child, 'close');
    server.child.kill('SIGUSR2');
    expect(await exited).toEqual([1, null]);
    const lines = server.log.map(
      (line) => JSON.parse(line) as { level: string; msg: string; err?: { message: string } },
    );
    expect(lines.filter(({ level }) => level === 'fatal')).toMatchObject([
      { msg: message, err: { message: 'planted' } },
    ]);
    expect(lines.at(-1)).toMatchObject({ msg: 'stopped', isClean: true });
  });
});

describe('SIGTERM', () => {
  test('while it starts wins: it ends with 0 and never listens', async () => {
    const migrating = new pg.Client(app.databaseUrlFor('postgres'));
    await migrating.connect();
    await migrating.query('SELECT pg_advisory_lock($1)', [MIGRATION_LOCK]);
    const { child, ended } = begin({
      NODE_ENV: 'test',
      PORT: '0',
      DATABASE_URL: app.databaseUrlFor('waybill'),
      DATA_DIR: dataDir,
    });
    const waiting = `SELECT count(*)::int AS count FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`;
    await expect.poll(async () => (await app.sql(waiting))[0]?.['count'], { timeout: 20_000 }).toBe(1);
    child.kill('SIGTERM');
    const { code, output } = await ended;
    expect(code).toBe(0);
    expect(output).not.toContain('listening');
    await migrating.end();
  });

  test('lets a running request finish, then ends with 0', async () => {
    const { server, order, letGo } = await withOrderUnderWay();
    const stopped = server.stop();
    await untilStopping(server);
    await letGo();
    expect((await order).status).toBe(201);
    expect(await stopped).toBe(0);
  });

  test('and a second signal does not wait for it: it ends at once with 1', async () => {
    const { server, order, letGo } = await withOrderUnderWay();
    const died = order.catch((error: unknown) => error);
    const exited = once(server.child, 'exit');
    server.child.kill('SIGTERM');
    await untilStopping(server);
    server.child.kill('SIGINT');
    expect(await exited).toEqual([1, null]);
    await letGo();
    expect(await died).toBeInstanceOf(TypeError);
  });
});

const untilStopping = async (server: ServerProcess): Promise<void> =>
  await expect.poll(() => server.log.some((line) => line.includes('"msg":"stopping"')), { timeout: 5000 }).toBe(true);

/** The stock row is held, so the order is still being placed when the signal comes. */
async function withOrderUnderWay() {
  const server = await startServerProcess({ DATABASE_URL: app.databaseUrlFor('waybill') });
  const { sku } = await app.sellable();
  const alice = await app.signIn();
  let letGo: () => void = () => undefined;
  const released = new Promise<void>((resolve) => (letGo = resolve));
  const holder = app.database.transaction(async (tx) => {
    await tx.query('SELECT sku FROM catalog.stock WHERE sku = $1 FOR UPDATE', [sku]);
    await released;
  });
  const order = fetch(`${server.url}/api/v1/orders`, {
    method: 'POST',
    headers: { ...alice.auth, ...key(), 'Content-Type': 'application/json' },
    body: JSON.stringify({ lines: [{ sku, quantity: 1 }] }),
  });
  const waiting = `SELECT count(*)::int AS count FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`;
  await expect.poll(async () => (await app.sql(waiting))[0]?.['count'], { timeout: 900, interval: 10 }).toBe(1);
  return { server, order, letGo: () => (letGo(), holder) };
}

test('ROLE=web serves and leaves jobs and events to ROLE=worker', async () => {
  const env = { DATABASE_URL: app.databaseUrlFor('waybill'), EVENTS_POLL_MS: '20' };
  const web = await startServerProcess({ ...env, ROLE: 'web' });
  const { sku } = await app.sellable();
  const alice = await app.signIn();
  const post = (path: string, body: object) =>
    fetch(`${web.url}/api/v1${path}`, {
      method: 'POST',
      headers: { ...alice.auth, ...key(), 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
    });
  const { data } = (await (await post('/orders', { lines: [{ sku, quantity: 1 }] })).json()) as {
    data: { id: string };
  };
  expect((await post(`/orders/${data.id}/payments`, { token: 'tok_ok' })).status).toBe(201);
  expect((await post(`/orders/${data.id}/cancellation`, {})).status).toBe(200);
  const status = async () =>
    (await app.sql('SELECT payment_status FROM orders.orders WHERE id = $1', [data.id]))[0]?.['payment_status'];
  expect(await status()).toBe('refund_pending');
  const worker = await startServerProcess({ ...env, ROLE: 'worker' });
  expect((await fetch(`${worker.url}/ready`)).status).toBe(200);
  expect((await fetch(`${worker.url}/api/v1/products`)).status).toBe(404);
  await expect.poll(status, { timeout: 10_000 }).toBe('refunded');
  expect(await Promise.all([web.stop(), worker.stop()])).toEqual([0, 0]);
});
