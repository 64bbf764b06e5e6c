// The shop that is measured: one PostgreSQL as in production, filled once over the API, and a copy of that database for each server.
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { databaseUrl } from '../../shared/database/embedded.ts';
import { call, environment, startPostgres, type Postgres } from '../../deploy/drills/support/world.ts';
import type { Bench } from './bench.ts';
import { startWaybill } from './servers.ts';

export type Customer = { id: string; token: string; email: string; password: string; orderIds: string[] };

export type Shop = {
  postgres: Postgres;
  /** The postmaster's. */
  databasePid: number;
  skus: string[];
  productIds: string[];
  customers: Customer[];
  adminToken: string;
  /** @returns the URL of a copy of the filled database */
  copyOf: (name: string) => Promise<string>;
};

type Filling = { products?: number; customers?: number; ordersEach?: number };

const VARIANTS_EACH = 10;
const ON_HAND = 1_000_000_000;
/** Password hashes wait in a queue of 50. */
const AT_ONCE = 16;

/** Every customer has an account of their own: else all orders would wait for one row of one account. */
export async function openShop(
  bench: Bench,
  { products = 100, customers = 128, ordersEach = 1 }: Filling = {},
): Promise<Shop> {
  const postgres = await startPostgres(bench);
  const root = await connect(bench, postgres.server.superuserUrl);
  await root.query('CREATE DATABASE shop OWNER waybill');
  const server = await startWaybill(bench, { databaseUrl: databaseUrl(postgres.server, 'shop') });
  const url = `http://127.0.0.1:${server.port}`;
  const adminToken = await logIn(url, admin());
  const made = await inTurns(bench, 'products', products, (i) => makeProduct(url, adminToken, i));
  const skus = made.flatMap((one) => one.skus);
  const people = await inTurns(bench, 'customers', customers, (i) => makeCustomer(url, skus, ordersEach, i));
  await server.stop();
  return {
    postgres,
    databasePid: postgres.server.pid,
    skus,
    productIds: made.map(({ id }) => id),
    customers: people,
    adminToken,
    copyOf: async (name) => {
      await root.query(`CREATE DATABASE ${name} TEMPLATE shop OWNER waybill`);
      return databaseUrl(postgres.server, name);
    },
  };
}

async function connect({ onEnd }: Bench, connectionString: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString });
  client.on('error', () => undefined); // the next query tells
  await client.connect();
  onEnd(() => client.end());
  return client;
}

function admin(): { email: string; password: string } {
  const { ADMIN_EMAIL: email = '', ADMIN_PASSWORD: password = '' } = environment('');
  return { email, password };
}

async function logIn(url: string, credentials: { email: string; password: string }): Promise<string> {
  return String((await call(url, '/auth/login', credentials))['accessToken']);
}

async function makeProduct(url: string, token: string, i: number): Promise<{ id: string; skus: string[] }> {
  const skus = Array.from({ length: VARIANTS_EACH }, (_, nth) => `MUG-${i}-${nth}`);
  const variants = skus.map((sku) => ({ sku, title: 'blue', price: { amount: 1299, currency: 'EUR' }, taxRateBps: 1900, onHand: ON_HAND })); // prettier-ignore
  const { id } = await call(
    url,
    '/products',
    { title: `Mug ${i}`, description: 'Holds a third of a litre.', variants },
    token,
  );
  return { id: String(id), skus };
}

async function makeCustomer(url: string, skus: string[], orders: number, i: number): Promise<Customer> {
  const person = { email: `ada-${i}@example.com`, password: `Bench-${randomUUID()}` };
  const { id } = await call(url, '/users', { ...person, name: 'Ada' });
  const token = await logIn(url, person);
  const orderIds: string[] = [];
  for (let nth = 0; nth < orders; nth++) {
    const lines = [{ sku: skus[(i + nth) % skus.length], quantity: 1 }];
    orderIds.push(String((await call(url, '/orders', { lines }, token))['id']));
  }
  return { id: String(id), token, ...person, orderIds };
}

/** Some at a time. @returns what each became, in order */
async function inTurns<Made>(
  { progress }: Bench,
  what: string,
  count: number,
  make: (i: number) => Promise<Made>,
): Promise<Made[]> {
  const made: Made[] = [];
  for (let i = 0; i < count; i += AT_ONCE) {
    progress(`filling the shop: ${what}`, i / count);
    const turn = Array.from({ length: Math.min(AT_ONCE, count - i) }, (_, nth) => make(i + nth));
    made.push(...(await Promise.all(turn)));
  }
  return made;
}
