// Compares every level of stock with its ledger and with what open orders hold: npm run stock:reconcile [-- --help]
import { parseArgs } from 'node:util';
import { CONFIG_EXIT_CODE, ConfigError, loadConfig } from '../shared/config/config.ts';
import { loadEnvFile } from '../shared/config/env-file.ts';
import { withModules, type Opened } from './open-modules.ts';

const USAGE = `usage: npm run stock:reconcile
For every SKU: does the ledger sum to the level, and is what is reserved what open orders hold? Reads one snapshot of the
database, also of a shop that is open. Prints the differences; repairs nothing.
exit code: 0 no difference, 1 differences, 2 it could not be compared`;

/** A hundred times the orders of a large shop; a report may take its time. */
const STATEMENT_TIMEOUT_MS = 10 * 60_000;
const FAILED_EXIT_CODE = 2;
/** EX_USAGE of sysexits.h. */
const USAGE_EXIT_CODE = 64;

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
  const options = {
    name: 'stock-reconcile',
    statementTimeoutMs: STATEMENT_TIMEOUT_MS,
    connectionsMax: 1,
    mayMigrate: false,
  };
  await withModules(loadConfig(process.env), options, compare);
}

async function compare({ modules, database }: Opened): Promise<void> {
  const differences = await database.transaction(async (tx) => {
    // One moment for both modules, or each order placed in between would look like a difference.
    await tx.query('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY');
    return modules.catalog.stock.reconcile(tx, await modules.orders.service.findReserved(tx));
  });
  for (const { sku, faults } of differences) process.stdout.write(`${sku}: ${faults.join('; ')}\n`);
  process.stdout.write(
    differences.length === 0
      ? 'No differences: the ledger sums to every level, and what is reserved is what open orders hold.\n'
      : `${differences.length} SKUs differ. Nothing was changed; find the cause before you adjust.\n`,
  );
  if (differences.length > 0) process.exitCode = 1;
}

function exitCodeOf(error: unknown): number {
  if (error instanceof ConfigError) return CONFIG_EXIT_CODE;
  return error instanceof TypeError && 'code' in error ? USAGE_EXIT_CODE : FAILED_EXIT_CODE;
}
