// Measures an export of 100,000 orders over HTTP from the server as it is deployed: memory above idle, time to the first byte.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { startEmbeddedPostgres } from '../shared/database/embedded.ts';

const ORDERS = 100_000;
const RSS_ABOVE_IDLE_MB_MAX = 50;
const FIRST_BYTE_MS_MAX = 1000;
const ADMIN = { email: 'admin@example.com', password: 'Correct-horse-7-staple' };

type Measured = { format: string; megabytes: number; firstByteMs: number; totalMs: number; rssMb: number };

const dataDir = await mkdtemp(join(tmpdir(), 'waybill-export-'));
const postgres = await startEmbeddedPostgres({ dataDir });
let server: ChildProcess | undefined;
try {
  await stop((await startServer(postgres.url)).server);
  await fill(postgres.url);
  const started = await startServer(postgres.url);
  server = started.server;
  process.exitCode = await measure(started.url, server);
} finally {
  if (server?.exitCode === null) await stop(server);
  await postgres.stop();
  await rm(dataDir, { recursive: true, force: true });
}

async function startServer(databaseUrl: string): Promise<{ url: string; server: ChildProcess }> {
  const { PATH = '', HOME = '' } = process.env;
  const env = {
    PATH,
    HOME,
    NODE_ENV: 'test',
    PORT: '0',
    LOG_LEVEL: 'info',
    DATABASE_URL: databaseUrl,
    DATA_DIR: dataDir,
  };
  const admin = { ADMIN_EMAIL: ADMIN.email, ADMIN_PASSWORD: ADMIN.password };
  const child = spawn(process.execPath, ['dist/server.js'], {
    env: { ...env, ...admin },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  for await (const line of createInterface({ input: child.stdout })) {
    const port = /"port":(\d+).*"msg":"listening"/.exec(line)?.[1];
    if (port !== undefined) {
      child.stdout.resume();
      return { url: `http://127.0.0.1:${port}/api/v1`, server: child };
    }
  }
  throw new Error('the server ended before it listened');
}

async function stop(server: ChildProcess): Promise<void> {
  server.kill('SIGTERM');
  await once(server, 'exit');
}

/** By SQL: what is measured is how they leave, not how they came. */
async function fill(connectionString: string): Promise<void> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  await client.query(
    `INSERT INTO orders.orders (id, customer_id, status, payment_status, fulfillment_status, currency, subtotal_amount, tax_amount, total_amount, note, placed_at)
     SELECT gen_random_uuid(), gen_random_uuid(), 'completed', 'paid', 'delivered', 'EUR', 3000, 570, 3570, 'Please ring twice.',
       now() - i * interval '1 minute' FROM generate_series(1, ${ORDERS}) AS i`,
  );
  await client.query(
    `INSERT INTO orders.lines (id, order_id, position, sku, title, quantity, unit_amount, tax_rate_bps, tax_amount, total_amount)
     SELECT gen_random_uuid(), o.id, p, 'SKU-' || p, 'A thing of the shop', 1, 1500, 1900, 285, 1785
     FROM orders.orders o CROSS JOIN generate_series(1, 2) AS p`,
  );
  await client.query('ANALYZE orders.orders, orders.lines');
  await client.end();
}

async function measure(url: string, child: ChildProcess): Promise<number> {
  const token = await logIn(url);
  await sleep(3000);
  const idleMb = await rssMbOf(child);
  process.stdout.write(`${ORDERS} orders, idle RSS ${idleMb.toFixed(0)} MB\n`);
  let failures = 0;
  for (const format of ['text/csv', 'application/x-ndjson']) {
    const { megabytes, firstByteMs, totalMs, rssMb } = await exportAs(format, url, token, child);
    const isGood = rssMb - idleMb <= RSS_ABOVE_IDLE_MB_MAX && firstByteMs <= FIRST_BYTE_MS_MAX;
    if (!isGood) failures += 1;
    process.stdout.write(
      `${format}: ${megabytes.toFixed(1)} MB in ${(totalMs / 1000).toFixed(1)} s, first byte after ${firstByteMs.toFixed(0)} ms, RSS at most ${rssMb.toFixed(0)} MB (+${(rssMb - idleMb).toFixed(0)}): ${isGood ? 'good' : 'TOO MUCH'}\n`,
    );
  }
  return failures;
}

async function logIn(url: string): Promise<string> {
  const headers = { 'Content-Type': 'application/json' };
  const answer = await fetch(`${url}/auth/login`, { method: 'POST', headers, body: JSON.stringify(ADMIN) });
  const { data } = (await answer.json()) as { data: { accessToken: string } };
  return data.accessToken;
}

async function exportAs(format: string, url: string, token: string, child: ChildProcess): Promise<Measured> {
  const began = performance.now();
  const answer = await fetch(`${url}/orders/export`, { headers: { Authorization: `Bearer ${token}`, Accept: format } });
  if (answer.status !== 200 || answer.body === null) throw new Error(`the export answered ${answer.status}`);
  let firstByteMs = 0;
  let bytes = 0;
  let ends = 0;
  let rssMb = 0;
  for await (const chunk of answer.body as unknown as AsyncIterable<Uint8Array>) {
    firstByteMs ||= performance.now() - began;
    bytes += chunk.length;
    for (const byte of chunk) if (byte === 10) ends += 1;
    rssMb = Math.max(rssMb, await rssMbOf(child));
  }
  if (ends < ORDERS) throw new Error(`${ends} of ${ORDERS} orders came`);
  return { format, megabytes: bytes / 2 ** 20, firstByteMs, totalMs: performance.now() - began, rssMb };
}

/** Linux only: the resident set of the process, as the kernel counts it. */
async function rssMbOf({ pid }: ChildProcess): Promise<number> {
  const status = await readFile(`/proc/${pid ?? 0}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0) / 1024;
}
