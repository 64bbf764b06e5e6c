// Looks for what should never be, and repairs what can be repaired safely: npm run doctor [-- --help]
import { parseArgs } from 'node:util';
import { checksOf, listModules } from '../app.ts';
import { CONFIG_EXIT_CODE, ConfigError, loadConfig } from '../shared/config/config.ts';
import { loadEnvFile } from '../shared/config/env-file.ts';
import type { Check, Finding } from '../shared/doctor/check.ts';
import { Dispatcher } from '../shared/events/dispatcher.ts';
import { createLogger } from '../shared/logging/logger.ts';
import { Metrics } from '../shared/metrics/metrics.ts';
import { withModules, type Opened } from './open-modules.ts';

const USAGE = `usage: npm run doctor [-- --fix] [-- --json]
Looks for stuck payments and refunds, reservations that nobody gave back, levels of stock that the ledger does not explain, totals that
are not the sum of the lines, facts that are late or given up, jobs that failed for good, idempotency keys that are stuck. The shop may
be open.
  --fix    repairs what can be repaired safely, by the rules of the house and with an entry in the audit trail; tells what is left
  --json   {"findings": [{"check", "subject", "detail"}], "repaired": n}: findings are those that are left
exit code: 0 nothing is (left) to be done, 1 there is, 2 it could not look`;

const STATEMENT_TIMEOUT_MS = 10 * 60_000;
const FAILED_EXIT_CODE = 2;
/** EX_USAGE of sysexits.h. */
const USAGE_EXIT_CODE = 64;

type Options = { fix?: boolean | undefined; json?: boolean | undefined };
type Told = Finding & { check: string };

try {
  const { values: options } = parseArgs({
    options: { help: { type: 'boolean', short: 'h' }, fix: { type: 'boolean' }, json: { type: 'boolean' } },
  });
  if (options.help === true) process.stdout.write(`${USAGE}\n`);
  else await main(options);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = exitCodeOf(error);
}

async function main(options: Options): Promise<void> {
  loadEnvFile('.env');
  const opening = { name: 'doctor', statementTimeoutMs: STATEMENT_TIMEOUT_MS, connectionsMax: 4, mayMigrate: false };
  await withModules(loadConfig(process.env), { ...opening, speaks: true }, (opened) => examine(opened, options));
}

async function examine({ modules, database }: Opened, { fix = false, json = false }: Options): Promise<void> {
  const checks = checksOf(modules, database, () => deliver({ modules, database }));
  const found = await findAll(checks);
  if (fix) await repairAll(checks, found);
  const left = fix ? await findAll(checks) : found;
  const repaired = found.filter((one) => !left.some((other) => isSame(one, other))).length;
  if (json) process.stdout.write(`${JSON.stringify({ findings: left, repaired })}\n`);
  else process.stdout.write(`${inWords(checks, left, fix ? repaired : null)}\n`);
  if (left.length > 0) process.exitCode = 1;
}

async function findAll(checks: Check[]): Promise<Told[]> {
  const found: Told[] = [];
  for (const { name, find } of checks) found.push(...(await find()).map((finding) => ({ check: name, ...finding })));
  return found;
}

/** One that fails leaves its findings, and does not keep the others waiting. */
async function repairAll(checks: Check[], found: Told[]): Promise<void> {
  for (const { name, fix } of checks) {
    const findings = found.filter(({ check }) => check === name);
    if (findings.length === 0) continue;
    await fix(findings).catch((error: unknown) => {
      process.stderr.write(`${name} was not repaired: ${error instanceof Error ? error.message : String(error)}\n`);
    });
  }
}

/** As a worker would, once. */
function deliver({ modules, database }: Pick<Opened, 'modules' | 'database'>): Promise<number> {
  const subscriptions = listModules(modules).flatMap((one) => one.subscriptions);
  const logger = createLogger({ level: 'warn', isPretty: false }, process.stderr);
  return new Dispatcher({ database, subscriptions, logger, metrics: new Metrics(), pollMs: 1000 }).drain();
}

function isSame(one: Told, other: Told): boolean {
  return one.check === other.check && one.subject === other.subject;
}

function inWords(checks: Check[], left: Told[], repaired: number | null): string {
  const told = checks.flatMap(({ name, about }) => {
    const findings = left.filter(({ check }) => check === name);
    if (findings.length === 0) return [];
    return [`${name}: ${about}`, ...findings.map(({ subject, detail }) => `  ${subject}: ${detail}`)];
  });
  return [...told, ...(repaired === null ? [] : [`${repaired} repaired.`]), summaryOf(checks, left)].join('\n');
}

function summaryOf(checks: Check[], left: Told[]): string {
  if (left.length === 0) return `All is well: ${checks.length} checks, nothing found.`;
  return `${left.length} found by ${checks.length} checks.`;
}

function exitCodeOf(error: unknown): number {
  if (error instanceof ConfigError) return CONFIG_EXIT_CODE;
  return error instanceof TypeError && 'code' in error ? USAGE_EXIT_CODE : FAILED_EXIT_CODE;
}
