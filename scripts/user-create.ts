// Makes a user of any role: npm run user:create -- --email ada@example.com --role admin [--name "Ada Lovelace"]
import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { parseArgs } from 'node:util';
import { roles, type Role } from '../modules/users/index.ts';
import { CONFIG_EXIT_CODE, ConfigError, loadConfig } from '../shared/config/config.ts';
import { loadEnvFile } from '../shared/config/env-file.ts';
import { AppError } from '../shared/errors/app-error.ts';
import { withModules, type Opened } from './open-modules.ts';

const USAGE = `usage: npm run user:create -- --email <address> --role <${roles.join(' | ')}> [--name <name>]
The password is asked for, or read as one line from standard input.`;

/** EX_USAGE of sysexits.h. */
const USAGE_EXIT_CODE = 64;
/** As a shell reports a program that Ctrl-C ended: 128 + SIGINT. */
const INTERRUPTED_EXIT_CODE = 130;

class UsageError extends Error {}

type Request = { email: string; role: Role; name?: string };

try {
  await main();
} catch (error) {
  process.stderr.write(`${explain(error)}\n`);
  process.exitCode = exitCodeOf(error);
}

async function main(): Promise<void> {
  const request = readArguments(process.argv.slice(2));
  loadEnvFile('.env');
  const config = loadConfig(process.env);
  const password = process.stdin.isTTY ? await askTwice() : await readLine();
  const { databaseStatementTimeoutMs: statementTimeoutMs } = config;
  const options = { name: 'user-create', statementTimeoutMs, connectionsMax: 1, mayMigrate: true };
  await withModules(config, options, (opened) => create(opened, { ...request, password }));
}

function readArguments(args: string[]): Request {
  const { email, role: word, name } = parsed(args);
  if (email === undefined) throw new UsageError('--email is missing');
  if (word === undefined) throw new UsageError('--role is missing');
  const role = roles.find((known) => known === word);
  if (role === undefined) throw new UsageError(`there is no role ${JSON.stringify(word)}`);
  return { email, role, ...(name !== undefined && { name }) };
}

function parsed(args: string[]) {
  const text = { type: 'string' } as const;
  try {
    return parseArgs({ args, options: { email: text, role: text, name: text } }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

async function askTwice(): Promise<string> {
  const password = await ask('Password: ');
  if (password !== (await ask('Again: '))) throw new Error('The two passwords differ.');
  return password;
}

/** The terminal echoes nothing itself while readline reads it, and what readline echoes goes nowhere. */
async function ask(question: string): Promise<string> {
  process.stderr.write(question);
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: process.stdin, output: nowhere, terminal: true, historySize: 0 });
  lines.once('SIGINT', () => {
    process.stderr.write('\n');
    process.exit(INTERRUPTED_EXIT_CODE);
  });
  const line = await firstLine(lines);
  process.stderr.write('\n');
  return line;
}

function readLine(): Promise<string> {
  return firstLine(createInterface({ input: process.stdin }));
}

async function firstLine(lines: ReturnType<typeof createInterface>): Promise<string> {
  return new Promise((resolve, reject) => {
    lines.once('line', (line) => {
      resolve(line);
      lines.close();
    });
    lines.once('close', () => reject(new Error('No password was given.')));
  });
}

async function create({ modules }: Opened, user: Request & { password: string }): Promise<void> {
  const { id, email, role } = await modules.users.service.createUser(user);
  process.stdout.write(`Created ${role} ${email} (${id})\n`);
}

function explain(error: unknown): string {
  if (error instanceof UsageError) return `${error.message}\n${USAGE}`;
  if (error instanceof AppError)
    return [
      error.message,
      ...(error.faults ?? []).map(({ pointer, message }) => `  ${pointer.slice(1)}: ${message}`),
    ].join('\n');
  return error instanceof Error ? error.message : String(error);
}

function exitCodeOf(error: unknown): number {
  if (error instanceof UsageError) return USAGE_EXIT_CODE;
  return error instanceof ConfigError ? CONFIG_EXIT_CODE : 1;
}
