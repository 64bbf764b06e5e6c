// Fills the database with a shop of very many orders, to see what grows slow: npm run db:generate [-- --help]
import { parseArgs } from 'node:util';
import pg from 'pg';
import { Progress } from '../bench/support/progress.ts';
import { CONFIG_EXIT_CODE, ConfigError, loadConfig } from '../shared/config/config.ts';
import { loadEnvFile } from '../shared/config/env-file.ts';
import { fillShop } from './generate/fill.ts';
import { withModules } from './open-modules.ts';

const USAGE = `usage: npm run db:generate [-- --orders 1000000] [-- --beside]
Makes a shop of that many orders, three years old, with all that orders leave behind: 4 GB and about a minute on two cores for a million.
Nobody can log in as one of its customers; npm run user:create makes somebody who can. Refused in production.
  --beside   also where there are orders already: they stay`;

const USAGE_EXIT_CODE = 64;

try {
  const { values: options } = parseArgs({
    options: {
      help: { type: 'boolean', short: 'h' },
      orders: { type: 'string', default: '1000000' },
      beside: { type: 'boolean', default: false },
    },
  });
  if (options.help === true) process.stdout.write(`${USAGE}\n`);
  else await main(Number(options.orders), options.beside);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = exitCodeOf(error);
}

async function main(orders: number, isBeside: boolean): Promise<void> {
  if (!Number.isInteger(orders) || orders < 1) throw new TypeError('--orders is a whole number');
  loadEnvFile('.env');
  const config = loadConfig(process.env);
  if (config.nodeEnv === 'production') throw new Error('A made-up shop has no place in production: nothing was done.');
  const options = { name: 'db-generate', statementTimeoutMs: 60_000, connectionsMax: 1, mayMigrate: true };
  await withModules(config, options, async ({ directUrl }) => {
    if (!isBeside) await requireEmpty(directUrl);
    await generate(directUrl, orders);
  });
}

async function requireEmpty(connectionString: string): Promise<void> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  const { rowCount } = await client.query('SELECT FROM orders.orders LIMIT 1');
  await client.end();
  if (rowCount !== 0) throw new Error('There are orders already: nothing was done. --beside leaves them there.');
}

async function generate(connectionString: string, orders: number): Promise<void> {
  const progress = new Progress();
  const onStep = (what: string, share: number) => progress.tell(what, share);
  const { customers, products } = await fillShop({ connectionString, orders, onStep });
  progress.end();
  process.stderr.write(`${orders} orders, ${customers} customers, ${products} products are there.\n`);
}

function exitCodeOf(error: unknown): number {
  if (error instanceof ConfigError) return CONFIG_EXIT_CODE;
  return error instanceof TypeError ? USAGE_EXIT_CODE : 1;
}
