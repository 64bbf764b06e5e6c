// Fills the shop with a demo: npm run db:seed [-- --help]
import { parseArgs } from 'node:util';
import { listModules } from '../app.ts';
import { CONFIG_EXIT_CODE, ConfigError, loadConfig, type Config } from '../shared/config/config.ts';
import { loadEnvFile } from '../shared/config/env-file.ts';
import { Dispatcher } from '../shared/events/dispatcher.ts';
import { createLogger } from '../shared/logging/logger.ts';
import { Metrics } from '../shared/metrics/metrics.ts';
import { withModules, type Opened } from './open-modules.ts';
import { planShop } from './seed/plan.ts';
import { DemoShop, type Login } from './seed/shop.ts';

const USAGE = `usage: npm run db:seed
Makes a demo shop, beside whatever is there: 40 products in four currencies, 25 customers, 200 orders in every state, refunds,
movements of stock. Prints a staff login as JSON, once: the first time. Run again it adds what is missing, if anything.
Refused in production.`;

/** The same shop at every run. */
const SEED = 2026;
const USAGE_EXIT_CODE = 64;
/** What is not paid stays to be looked at for a week. */
const PATIENT_MS = 7 * 24 * 3_600_000;

try {
  const { values: options } = parseArgs({ options: { help: { type: 'boolean', short: 'h' } } });
  if (options.help === true) process.stdout.write(`${USAGE}\n`);
  else await main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = exitCodeOf(error);
}

async function main(): Promise<void> {
  loadEnvFile('.env');
  const config = loadConfig(process.env);
  if (config.nodeEnv === 'production') throw new Error('A demo has no place in production: nothing was done.');
  const { databaseStatementTimeoutMs: statementTimeoutMs } = config;
  const patient: Config = { ...config, reservationTtlMs: PATIENT_MS };
  const options = { name: 'db-seed', statementTimeoutMs, connectionsMax: 10, mayMigrate: true };
  await withModules(patient, options, seed);
}

async function seed({ modules, modulesWith, database }: Opened): Promise<void> {
  const subscriptions = listModules(modules).flatMap((one) => one.subscriptions);
  const logger = createLogger({ level: 'warn', isPretty: false }, process.stderr);
  const dispatcher = new Dispatcher({ database, subscriptions, logger, metrics: new Metrics(), pollMs: 1000 });
  // What is told now has to be heard also when no server has ever run here.
  await dispatcher.announce();
  const plan = planShop(SEED);
  const { products, customers, orders } = plan;
  const onStep = progressOf(products.length + customers + orders.length);
  const settle = () => dispatcher.drain();
  const impatient = modulesWith({ reservationTtlMs: 1 });
  await new DemoShop(plan, { modules, impatient, database, settle, onStaff: tell, onStep }).make();
  process.stderr.write(`${products.length} products, ${customers} customers, ${orders.length} orders are there.\n`);
}

/** At once, before anything can go wrong. */
function tell(login: Login | null): void {
  if (login !== null) process.stdout.write(`${JSON.stringify(login)}\n`);
  else process.stderr.write('The staff login was printed when it was made; npm run user:create makes another.\n');
}

/** A bar that grows in place; where nobody looks, nothing. */
function progressOf(total: number): (what: string) => void {
  const WIDTH = 40;
  let done = 0;
  return (what) => {
    done++;
    if (!process.stderr.isTTY) return;
    const filled = Math.round((done / total) * WIDTH);
    const bar = '█'.repeat(filled) + '░'.repeat(WIDTH - filled);
    process.stderr.write(
      `\r${bar} ${Math.round((done / total) * 100)} % ${what.padEnd(10)}${done === total ? '\n' : ''}`,
    );
  };
}

function exitCodeOf(error: unknown): number {
  if (error instanceof ConfigError) return CONFIG_EXIT_CODE;
  return error instanceof TypeError && 'code' in error ? USAGE_EXIT_CODE : 1;
}
