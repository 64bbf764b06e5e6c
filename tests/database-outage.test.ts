// PostgreSQL goes away under load and comes back: the server lives, says 503 with Retry-After, loses nothing, and is good again by itself.
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startEmbeddedPostgres, type EmbeddedPostgres } from '../shared/database/embedded.ts';
import { key } from './support/app.ts';
import { startServerProcess, type ServerProcess } from './support/server-process.ts';

let dataDir: string;
let postgres: EmbeddedPostgres;
let server: ServerProcess;
let auth: Record<string, string>;
const sku = 'MUG';

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'waybill-outage-'));
  await chmod(dataDir, 0o755);
  postgres = await startEmbeddedPostgres({ dataDir });
  server = await startServerProcess({
    DATABASE_URL: postgres.url,
    ADMIN_EMAIL: 'admin@example.com',
    ADMIN_PASSWORD: 'Correct-horse-7-staple',
  });
  const login = await send('/auth/login', { email: 'admin@example.com', password: 'Correct-horse-7-staple' });
  auth = { Authorization: `Bearer ${(login.body['data'] as { accessToken: string }).accessToken}` };
  const product = { title: 'Mug', variants: [{ sku, price: { amount: 100, currency: 'EUR' }, onHand: 1_000_000 }] };
  expect((await send('/products', product)).status).toBe(201);
});
afterAll(async () => {
  await server.stop();
  await postgres.stop();
  await rm(dataDir, { recursive: true, force: true });
});

type Answer = { status: number; retryAfter: string | null; body: Record<string, unknown> };

async function send(path: string, body: object): Promise<Answer> {
  const response = await fetch(`${server.url}/api/v1${path}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...auth, ...key() },
    body: JSON.stringify(body),
  });
  return {
    status: response.status,
    retryAfter: response.headers.get('retry-after'),
    body: (await response.json()) as Record<string, unknown>,
  };
}

const place = () => send('/orders', { lines: [{ sku, quantity: 1 }] });
const ready = async () => (await fetch(`${server.url}/ready`)).status;

/** Sixteen clients that never stop asking, until told. */
function load() {
  const shop = { isOpen: true };
  const answers: Answer[] = [];
  const clients = Array.from({ length: 16 }, async () => {
    while (shop.isOpen) answers.push(await place());
  });
  return {
    answers,
    count: (status: number) => answers.filter((answer) => answer.status === status).length,
    end: async () => {
      shop.isOpen = false;
      await Promise.all(clients);
    },
  };
}

test.each([
  ['is killed and recovers', async () => void process.kill(postgres.pid, 'SIGQUIT')],
  ['is stopped in order', () => postgres.stop()],
])(
  'PostgreSQL %s',
  async (_name, takeAway) => {
    const shop = load();
    await expect.poll(() => shop.count(201), { timeout: 20_000 }).toBeGreaterThan(20);

    await takeAway();
    const before = shop.answers.length;
    await expect.poll(() => shop.count(503), { timeout: 20_000 }).toBeGreaterThan(20);
    expect(await ready()).toBe(503);
    expect((await fetch(`${server.url}/health`)).status).toBe(200);
    expect(shop.answers.length).toBeGreaterThan(before);

    postgres = await startEmbeddedPostgres({ dataDir });
    const acknowledged = shop.count(201);
    await expect.poll(() => shop.count(201), { timeout: 20_000 }).toBeGreaterThan(acknowledged + 20);
    await expect.poll(ready, { timeout: 20_000 }).toBe(200);
    await shop.end();

    expect(new Set(shop.answers.map(({ status }) => status))).toEqual(new Set([201, 503]));
    expect(shop.answers.filter(({ status, retryAfter }) => status === 503 && retryAfter !== '1')).toEqual([]);
    expect(server.child.exitCode).toBeNull();
    expect(await missing(shop.answers)).toEqual([]);
  },
  90_000,
);

/** Acknowledged orders that are not in the database. */
async function missing(answers: Answer[]): Promise<string[]> {
  const acknowledged = answers
    .filter(({ status }) => status === 201)
    .map(({ body }) => (body['data'] as { id: string }).id);
  const client = new pg.Client({ connectionString: postgres.url });
  await client.connect();
  const { rows } = await client.query<{ id: string }>('SELECT id FROM orders.orders WHERE id = ANY ($1)', [
    acknowledged,
  ]);
  await client.end();
  const found = new Set(rows.map(({ id }) => id));
  return acknowledged.filter((id) => !found.has(id));
}
