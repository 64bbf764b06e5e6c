// The shop that drills trade in: a PostgreSQL of its own, the program as built, one customer with one product.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmod, mkdir } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { startEmbeddedPostgres, type EmbeddedPostgres } from '../../../shared/database/embedded.ts';
import { run, type Drill } from './drill.ts';
import { answers, freePort, start, until, type Running } from './processes.ts';

export const root = fileURLToPath(new URL('../../../', import.meta.url));

const DAY_MS = 86_400_000;
const ADMIN = { email: 'admin@example.com', password: `Admin-${randomBytes(9).toString('hex')}` };

/** As in production, but for limits that one address with 64 customers does not meet. */
export const environment = (databaseUrl: string): Record<string, string> => ({
  NODE_ENV: 'production',
  PUBLIC_URL: 'https://shop.example.com',
  DATABASE_URL: databaseUrl,
  JWT_SECRET: randomOnce.jwt,
  TEST_PROVIDER_SECRET: randomOnce.provider,
  PAYMENT_PROVIDER: 'test',
  ACCESS_TOKEN_TTL_MS: String(DAY_MS),
  ADMIN_EMAIL: ADMIN.email,
  ADMIN_PASSWORD: ADMIN.password,
  METRICS_TOKEN: randomOnce.metrics,
  // Nor should a machine that is all of it at once, customers included, be found too busy.
  OVERLOAD_LOOP_DELAY_MS: '0',
  RATE_LIMIT_MAX: '1000000',
  RATE_LIMIT_ACCOUNT_MAX: '1000000',
  LOGIN_RATE_LIMIT_MAX: '1000000',
  LOGIN_RATE_LIMIT_ADDRESS_MAX: '1000000',
});

/** The same for every process of a run: they share logins. */
export const randomOnce = {
  jwt: randomBytes(24).toString('hex'),
  provider: randomBytes(24).toString('hex'),
  metrics: randomBytes(24).toString('hex'),
};

export type Postgres = {
  /** Over its private socket. */
  server: EmbeddedPostgres;
  /** Over TCP on 127.0.0.1, for programs that know no socket. */
  tcpUrl: string;
  port: number;
  sql: <Row extends object>(text: string, values?: unknown[]) => Promise<Row[]>;
};

/** Durable as in production (fsync on); reachable over its socket, and over TCP through a relay of ours. */
export async function startPostgres(
  { folder, onEnd }: Pick<Drill, 'folder' | 'onEnd'>,
  settings: Record<string, string> = {},
): Promise<Postgres> {
  const dataDir = join(folder, 'postgres');
  await mkdir(dataDir);
  await chmod(dataDir, 0o755);
  const server = await startEmbeddedPostgres({ dataDir, settings: { max_connections: '200', ...settings } });
  onEnd(() => server.stop());
  const pool = new pg.Pool({ connectionString: waybillOf(server.superuserUrl), max: 2, application_name: 'drill' });
  pool.on('error', () => undefined); // the next query tells
  onEnd(() => pool.end());
  const port = await relayTo(socketOf(server.url), onEnd);
  return {
    server,
    port,
    tcpUrl: `postgresql://waybill@127.0.0.1:${port}/waybill`,
    sql: async <Row extends object>(text: string, values: unknown[] = []) =>
      (await pool.query<Row & pg.QueryResultRow>(text, values)).rows,
  };
}

/** The embedded server has no port: what asks for one is passed on to the socket. */
async function relayTo(socketPath: string, onEnd: Drill['onEnd']): Promise<number> {
  const port = await freePort();
  const relay = createServer((near) => {
    const far = connect(socketPath);
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const)
      // prettier-ignore
      one.on('error', () => other.destroy()).on('close', () => other.destroy()).pipe(other);
  });
  relay.listen(port, '127.0.0.1');
  await once(relay, 'listening');
  onEnd(() => void relay.close());
  return port;
}

/** The path of the Unix socket in a URL of the embedded server. */
export function socketOf(url: string): string {
  const { hostname, port } = new URL(url);
  return `${decodeURIComponent(hostname)}/.s.PGSQL.${port}`;
}

function waybillOf(superuserUrl: string): string {
  const url = new URL(superuserUrl);
  url.pathname = '/waybill';
  return url.href;
}

/** dist/ as `npm start` would make it; drills run what is deployed. */
export function build(cwd = root): void {
  const { status, output } = run('npm', ['run', '--silent', 'build'], { cwd });
  if (status !== 0) throw new Error(`the build ended with ${status}:\n${output}`);
}

/** One server on a free port, ready. */
export async function startServer(
  drill: Pick<Drill, 'onEnd'>,
  env: Record<string, string>,
  { cwd = root, port }: { cwd?: string; port?: number } = {},
): Promise<Running & { url: string; port: number }> {
  const listens = port ?? (await freePort());
  const running = start(process.execPath, ['dist/server.js'], {
    cwd,
    asRoot: true, // a checkout is not always readable for others
    env: { PORT: String(listens), ...env },
  });
  drill.onEnd(() => running.stop());
  const url = `http://127.0.0.1:${listens}`;
  await untilReady(running, url);
  return { ...running, url, port: listens };
}

export async function untilReady({ child, log }: Running, url: string): Promise<void> {
  const isOver = () => child.exitCode !== null || child.signalCode !== null;
  const isReady = async () => isOver() || (await answers(`${url}/ready`));
  await until(`${url} is ready`, isReady).catch((error: unknown) => {
    throw new Error(`${String(error)}\n${log.slice(-20).join('\n')}`);
  });
  if (isOver()) throw new Error(`it ended with ${child.exitCode ?? child.signalCode}\n${log.slice(-20).join('\n')}`);
}

export type Shop = { token: string; adminToken: string; sku: string };

/** A customer, and a product that does not run out. */
export async function openShop(url: string, onHand = 1_000_000): Promise<Shop> {
  const admin = await call(url, '/auth/login', ADMIN);
  const adminToken = String(admin['accessToken']);
  const sku = `MUG-${randomBytes(4).toString('hex').toUpperCase()}`;
  const variant = { sku, price: { amount: 1000, currency: 'EUR' }, taxRateBps: 1900, onHand };
  await call(url, '/products', { title: 'A mug', variants: [variant] }, adminToken);
  const person = {
    email: `${randomBytes(6).toString('hex')}@example.com`,
    password: `Drill-${randomBytes(9).toString('hex')}`,
  };
  await call(url, '/users', { ...person, name: 'Ada' });
  const { accessToken } = await call(url, '/auth/login', person);
  return { token: String(accessToken), adminToken, sku };
}

/** A POST that must succeed. @returns its `data` */
export async function call(url: string, path: string, body: object, token?: string): Promise<Record<string, unknown>> {
  const response = await fetch(`${url}/api/v1${path}`, {
    method: 'POST',
    headers: {
      'Content-Type': 'application/json',
      'Idempotency-Key': randomBytes(16).toString('hex'),
      ...(token !== undefined && { Authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`POST ${path}: ${response.status} ${text}`);
  return (JSON.parse(text) as { data: Record<string, unknown> }).data;
}
