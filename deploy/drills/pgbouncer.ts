// PgBouncer in transaction mode between two servers and PostgreSQL: a crowd on few connections, an order's whole way, and the jobs past it.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { drill, run, type Drill } from './support/drill.ts';
import { judge, placeOrders } from './support/load.ts';
import { freePort, start, until } from './support/processes.ts';
import {
  build,
  call,
  environment,
  openShop,
  startPostgres,
  startServer,
  type Postgres,
  type Shop,
} from './support/world.ts';

/** What all processes behind it share; without it they could hold 40. */
const SERVER_CONNECTIONS = 6;

await drill({ name: 'pgbouncer', needs: { pgbouncer: 'pgbouncer' }, breaks: ['prepared', 'direct'] }, async (here) => {
  const { isShort, check, say, broken } = here;
  build();
  const postgres = await startPostgres(here);
  const bouncer = await startBouncer(here, postgres);
  const direct = postgres.server.url;
  const env = {
    ...environment(broken === 'direct' ? direct : bouncer.url),
    DATABASE_DIRECT_URL: direct,
    DATABASE_PREPARED: broken === 'prepared' || bouncer.keepsStatements ? 'on' : 'off',
    RESERVATION_TTL_MS: '2000',
  };
  say(`PgBouncer ${bouncer.version}, DATABASE_PREPARED=${env.DATABASE_PREPARED}`);
  const refusal = await startServer(here, env).then(() => '', String);
  const tells = refusal.includes('ALTER ROLE \\"waybill\\" SET statement_timeout');
  check('a start without time-outs of the role is refused, and tells the SQL', tells);
  await giveTimeouts(postgres);
  const servers = [await startServer(here, env), await startServer(here, env)] as const;
  const shop = await openShop(servers[0].url);

  const loads = servers.map(({ url }) => placeOrders(here, url, shop));
  const sent = () => loads.reduce((sum, load) => sum + load.sent(), 0);
  await until('orders are placed', () => sent() > (isShort ? 500 : 5000));
  const open = await connectionsOf(postgres);
  await Promise.all(loads.map((load) => load.end()));
  const [one, other] = loads as [(typeof loads)[0], (typeof loads)[0]];
  for (const [what, count] of Object.entries(other.counts)) one.counts[what] = (one.counts[what] ?? 0) + count;
  one.acknowledged.push(...other.acknowledged);
  await judge(here, postgres, one);
  check(`PostgreSQL has at most ${SERVER_CONNECTIONS} connections of their pools`, open > 0 && open <= SERVER_CONNECTIONS, `${open} for 128 customers`); // prettier-ignore

  await aWholeWay(here, servers[1].url, shop, postgres);
  const log = servers
    .flatMap((server) => server.log)
    .filter((line) => /"msg":"request failed"|"level":"fatal"/.test(line));
  check('nothing went wrong inside', log.length === 0, log.slice(0, 2));
  for (const server of servers) check('SIGTERM ends it with 0', (await server.stop()) === 0);
});

/** As docs/scaling.md has it. */
async function startBouncer(here: Drill, { port: postgresPort }: Postgres) {
  const { version, keepsStatements } = versionOf();
  const port = await freePort();
  const ini = join(here.folder, 'pgbouncer.ini');
  await writeFile(
    ini,
    `[databases]
waybill = host=127.0.0.1 port=${postgresPort} dbname=waybill user=waybill
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = ${SERVER_CONNECTIONS}
max_client_conn = 500
query_wait_timeout = 3
max_prepared_statements = 200
`.replace(/max_prepared.*\n/, keepsStatements ? '$&' : ''),
    { mode: 0o644 },
  );
  const running = start('pgbouncer', [ini]);
  here.onEnd(() => running.stop('SIGINT'));
  const url = `postgresql://waybill@127.0.0.1:${port}/waybill`;
  await until('PgBouncer answers', async () => {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    await client.query('SELECT 1');
    await client.end();
    return true;
  }).catch((error: unknown) => {
    throw new Error(`${String(error)}\n${running.log.slice(-10).join('\n')}`);
  });
  return { url, version, keepsStatements };
}

function versionOf() {
  const [, version = '', minor = ''] = /PgBouncer (\d+\.(\d+))/.exec(run('pgbouncer', ['--version']).output) ?? [];
  return { version, keepsStatements: !version.startsWith('1.') || Number(minor) >= 21 };
}

async function giveTimeouts({ sql }: Postgres): Promise<void> {
  await sql(`ALTER ROLE "waybill" SET statement_timeout = '2500ms'`);
  await sql(`ALTER ROLE "waybill" SET lock_timeout = '1200ms'`);
  await sql(`ALTER ROLE "waybill" SET idle_in_transaction_session_timeout = '4000ms'`);
  // Connections that PgBouncer keeps do not know of it yet.
  await sql(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'waybill'`);
}

/** Not those that go past it. */
async function connectionsOf({ sql }: Postgres): Promise<number> {
  const [row] = await sql<{ count: number }>(
    `SELECT count(*)::int AS count FROM pg_stat_activity WHERE usename = 'waybill' AND application_name = 'waybill'`,
  );
  return row?.count ?? 0;
}

/** Transactions, the outbox, jobs, a cursor: each would notice a connection that is not the same any more. */
async function aWholeWay({ check }: Drill, url: string, { token, adminToken, sku }: Shop, { sql }: Postgres) {
  const place = async () => String((await call(url, '/orders', { lines: [{ sku, quantity: 1 }] }, token))['id']);
  const pay = (id: string) => call(url, `/orders/${id}/payments`, { token: 'tok_ok' }, token);
  const becomes = async (id: string, column: 'status' | 'payment_status', value: string, what: string) => {
    const is = async () => (await sql<Record<string, string>>(`SELECT ${column} AS it FROM orders.orders WHERE id = $1`, [id]))[0]?.['it']; // prettier-ignore
    await until(what, async () => (await is()) === value, 20_000).catch(() => undefined);
    check(what, (await is()) === value, await is());
  };
  const [refunded, cancelled, expired] = [await place(), await place(), await place()];
  await pay(refunded);
  await call(url, `/orders/${refunded}/refunds`, { reason: 'Arrived broken' }, adminToken);
  await pay(cancelled);
  await call(url, `/orders/${cancelled}/cancellation`, {}, token);
  await becomes(refunded, 'payment_status', 'refunded', 'an order is paid and refunded');
  await becomes(cancelled, 'payment_status', 'refunded', 'a fact is delivered: what was cancelled is given back');
  await becomes(expired, 'status', 'expired', 'a job runs: what was not paid expires');
  const file = await fetch(`${url}/api/v1/orders/export`, { headers: { Authorization: `Bearer ${adminToken}`, Accept: 'text/csv' } }); // prettier-ignore
  const lines = (await file.text()).split('\r\n').filter((line) => line !== '');
  const [row] = await sql<{ count: number }>('SELECT count(*)::int AS count FROM orders.orders');
  check('an export has every order', lines.length === (row?.count ?? 0) + 1, `${lines.length} lines`);
}
