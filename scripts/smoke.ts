// Does what README.md says, as typed, in an empty clone: the first command, the first order, a crash, and a restart that remembers.
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, cp, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { variableGroups } from '../shared/config/config.schema.ts';
import { blocksOf, sectionOf } from './readme.ts';

const { values: options } = parseArgs({
  options: {
    /** Also what is not committed yet. */
    worktree: { type: 'boolean', default: false },
    /** The path of another Node. */
    node: { type: 'string' },
  },
});

const READY_MAX_MS = 180_000;
const STOPPED_MAX_MS = 30_000;
/** What the account `nobody` has nearly everywhere; any ordinary account would do. */
const ORDINARY = 'nobody';

type Account = { name: string; uid: number; gid: number; env: NodeJS.ProcessEnv };
type Running = { child: ChildProcess; output: () => string };
type Kept = { orderId: string; token: string };

let passed = 0;
const failures: string[] = [];
const children: ChildProcess[] = [];
const dataPaths = new Set<string>();

const folder = await mkdtemp(join(tmpdir(), 'waybill-smoke-'));
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => void leaveNothing().then(() => process.exit(1)));
try {
  await chmod(folder, 0o755);
  for (const account of await accounts()) await tellStory(account);
} catch (error) {
  fail(error instanceof Error ? error.message : String(error));
} finally {
  await leaveNothing();
}
process.stdout.write(`\n${passed} passed, ${failures.length} failed\n`);
process.exitCode = failures.length > 0 ? 1 : 0;

/** Four lives of one server: the typed command, a start that is killed, a start that recovers, and its orderly end. */
async function tellStory(account: Account): Promise<void> {
  const begin = Date.now();
  const checkout = await clone(account);
  const port = await freePort();
  const env = { ...account.env, PORT: String(port) };
  const readme = await readFile(join(checkout, 'README.md'), 'utf8');
  const [firstCommand = '', secondCommand = ''] = blocksOf(readme, 'sh');
  check(
    `${account.name}: the README begins with npm start, then npm test`,
    firstCommand.endsWith('npm start') && secondCommand.endsWith('npm test'),
  );

  const typed = start('bash', ['-c', firstCommand], checkout, account, env);
  await untilReady(typed, port);
  check(
    `${account.name}: ${firstCommand} answers /ready after ${seconds(begin)} s and shows its banner`,
    typed.output().includes('Waybill is ready.'),
  );
  const kept = await placeFirstOrder(account, readme, checkout, env);
  await checkOrder(`${account.name}: the order is confirmed`, port, kept);
  await end(`${account.name}: SIGTERM ends the typed command with 0`, typed, await serverOf(typed), 'SIGTERM', 0);

  const second = start('npm', ['start'], checkout, account, env);
  await untilReady(second, port);
  await checkOrder(`${account.name}: a second start still has the order`, port, kept);
  await end(`${account.name}: SIGKILL leaves no PostgreSQL behind`, second, await serverOf(second), 'SIGKILL', null);

  const third = start('npm', ['start'], checkout, account, env);
  await untilReady(third, port);
  await checkOrder(`${account.name}: the start after the kill recovers, with the order`, port, kept);
  await end(`${account.name}: SIGTERM to npm ends it with 0`, third, third.child.pid ?? 0, 'SIGTERM', 0);
  process.stdout.write(`${account.name}: told in ${seconds(begin)} s\n`);
}

/** Root has another way through the embedded database than everybody else, so as root both are tried. */
async function accounts(): Promise<Account[]> {
  const env = await cleanEnvironment();
  const us = { uid: process.getuid?.() ?? -1, gid: process.getgid?.() ?? -1 };
  if (us.uid !== 0) return [{ name: 'this account', ...us, env }];
  const idOf = (flag: string) => Number(execFileSync('id', [flag, ORDINARY], { encoding: 'utf8' }));
  const home = join(folder, 'home');
  await mkdir(home);
  return [
    { name: 'root', ...us, env },
    { name: ORDINARY, uid: idOf('-u'), gid: idOf('-g'), env: { ...env, HOME: home } },
  ];
}

/** What a terminal would have: nothing of npm's, nothing of this checkout's, none of our settings. */
async function cleanEnvironment(): Promise<NodeJS.ProcessEnv> {
  const ours = Object.values(variableGroups('development')).flatMap((group) => Object.keys(group));
  const isForeign = (name: string) =>
    !/^npm_|^INIT_CWD$|^NODE_OPTIONS$|^VITEST/i.test(name) && !ours.includes(name.replace(/_FILE$/, ''));
  const own = Object.fromEntries(Object.entries(process.env).filter(([name]) => isForeign(name)));
  const path = (process.env['PATH'] ?? '')
    .split(delimiter)
    .filter((entry) => !entry.includes('node_modules') && !entry.includes('node-gyp'));
  const settings = ['registry', 'cafile']
    .map((name) => [`npm_config_${name}`, npmSetting(name)])
    .filter(([, value]) => value !== '');
  return {
    ...own,
    ...Object.fromEntries(settings),
    // Empty at first, as on a new machine; the second account finds there what the first one fetched.
    npm_config_cache: join(folder, 'npm-cache'),
    npm_config_prefer_offline: 'true',
    npm_config_update_notifier: 'false',
    PATH: [...(await otherNode()), ...path].join(delimiter),
  };
}

function npmSetting(name: string): string {
  const value = execFileSync('npm', ['config', 'get', name], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  }).trim();
  return value === 'null' || value === 'undefined' ? '' : value;
}

/** A copy: where it lies, an ordinary account may not reach it. */
async function otherNode(): Promise<string[]> {
  if (options.node === undefined) return [];
  const bin = join(folder, 'bin');
  await mkdir(bin);
  await cp(options.node, join(bin, 'node'), { dereference: true });
  await chmod(join(bin, 'node'), 0o755);
  process.stdout.write(`Node ${execFileSync(join(bin, 'node'), ['--version'], { encoding: 'utf8' })}`);
  return [bin];
}

async function clone({ name, uid, gid }: Account): Promise<string> {
  const path = join(folder, name.replaceAll(' ', '-'));
  execFileSync('git', ['clone', '--quiet', '.', path], { stdio: ['ignore', 'inherit', 'inherit'] });
  if (options.worktree) await overlay(path);
  if (uid === process.getuid?.()) return path;
  execFileSync('chown', ['-R', `${uid}:${gid}`, path, join(folder, 'home'), join(folder, 'npm-cache')]);
  return path;
}

/** Changed and new files over the clone's; a file that was deleted here is deleted there. */
async function overlay(path: string): Promise<void> {
  const changed = execFileSync('git', ['ls-files', '-z', '--modified', '--others', '--exclude-standard'], {
    encoding: 'utf8',
  });
  for (const file of changed.split('\0').filter((name) => name !== '')) {
    await rm(join(path, file), { force: true });
    await cp(file, join(path, file)).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
    });
  }
}

function start(program: string, args: string[], cwd: string, { uid, gid }: Account, env: NodeJS.ProcessEnv): Running {
  // A group of its own, so that all of it can be ended at once.
  const child = spawn(program, args, {
    cwd,
    env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(process.getuid?.() === 0 && { uid, gid }),
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  children.push(child);
  return { child, output: () => output };
}

async function untilReady({ child, output }: Running, port: number): Promise<void> {
  const deadline = Date.now() + READY_MAX_MS;
  while (child.exitCode === null && child.signalCode === null && Date.now() < deadline) {
    const status = await fetch(`http://localhost:${port}/ready`).then((response) => response.status, () => 0); // prettier-ignore
    if (status === 200) return rememberDataPath(output);
    await sleep(100);
  }
  throw new Error(`the server did not become ready:\n${output()}`);
}

/** The banner comes a moment after the first answer. */
async function rememberDataPath(output: () => string): Promise<void> {
  for (let tries = 0; tries < 50 && !/data in (\S+)/.test(output()); tries++) await sleep(20);
  const path = /data in (\S+)/.exec(output())?.[1];
  if (path === undefined) throw new Error(`the banner does not tell where the data are:\n${output()}`);
  dataPaths.add(path);
}

/** Every block of the two stories in one shell; what the README shows as output has to come, in that order. */
async function placeFirstOrder(
  { name, uid, gid }: Account,
  readme: string,
  cwd: string,
  env: NodeJS.ProcessEnv,
): Promise<Kept> {
  const story = sectionOf(readme, 'A first order') + sectionOf(readme, 'The late order');
  const script = ['set -euo pipefail', ...blocksOf(story, 'sh'), 'echo "kept: $ID $CUSTOMER"'].join('\n');
  const shell = start('bash', ['-c', script], cwd, { name, uid, gid, env }, env);
  const [code] = (await once(shell.child, 'close')) as [number | null];
  const shown = blocksOf(story, 'text').flatMap((block) => block.split('\n'));
  const missing = firstMissing(shown, shell.output().split('\n'));
  check(
    `${name}: the stories' ${blocksOf(story, 'sh').length} blocks run and print the ${shown.length} lines shown`,
    code === 0 && missing === null,
    `${missing ?? ''}\n${shell.output().replace(/^kept: .*$/m, '')}`,
  );
  const [, orderId, token] = /^kept: (\S+) (\S+)$/m.exec(shell.output()) ?? [];
  if (orderId === undefined || token === undefined) throw new Error('the story ended without an order');
  return { orderId, token };
}

/** `…` stands for what differs from run to run. @returns the first expected line that did not come in its turn */
function firstMissing(expected: string[], lines: string[]): string | null {
  let from = 0;
  for (const wanted of expected) {
    const parts = wanted.trim().split('…').map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)); // prettier-ignore
    const pattern = new RegExp(`^${parts.join('.+')}$`);
    const found = lines.findIndex((line, i) => i >= from && pattern.test(line.trim()));
    if (found < 0) return `did not come: ${wanted}`;
    from = found + 1;
  }
  return null;
}

async function checkOrder(what: string, port: number, { orderId, token }: Kept): Promise<void> {
  const response = await fetch(`http://localhost:${port}/api/v1/orders/${orderId}`, {
    headers: { Authorization: `Bearer ${token}` },
  });
  const text = await response.text();
  check(what, response.status === 200 && text.includes('"status":"confirmed","paymentStatus":"paid"'), text);
}

/** The database is the server's own child. */
async function serverOf(running: Running): Promise<number> {
  const postmaster = await postmasterOf(running);
  const status = await readFile(`/proc/${postmaster}/status`, 'utf8').catch(() => null);
  if (status !== null) return Number(/^PPid:\s*(\d+)/m.exec(status)?.[1]);
  return Number(execFileSync('ps', ['-o', 'ppid=', '-p', String(postmaster)], { encoding: 'utf8' }));
}

async function postmasterOf({ output }: Running): Promise<number> {
  const path = /data in (\S+)/.exec(output())?.[1] ?? '';
  return Number((await readFile(join(path, 'postmaster.pid'), 'utf8')).split('\n', 1)[0]);
}

/** `exitCode` null: any, as after SIGKILL. In every case the database has to go too. */
async function end(
  what: string,
  running: Running,
  pid: number,
  signal: NodeJS.Signals,
  exitCode: number | null,
): Promise<void> {
  const postmaster = await postmasterOf(running);
  const closed = once(running.child, 'exit') as Promise<[number | null]>;
  process.kill(pid, signal);
  const [code] = await Promise.race([closed, sleep(STOPPED_MAX_MS, [null], { ref: false })]);
  const deadline = Date.now() + STOPPED_MAX_MS;
  while (isAlive(postmaster) && Date.now() < deadline) await sleep(50);
  check(
    what,
    !isAlive(postmaster) && (exitCode === null || code === exitCode),
    `exit ${code}, PostgreSQL ${isAlive(postmaster) ? 'alive' : 'gone'}\n${running.output()}`,
  );
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Processes by their groups; databases end with their servers; then the folder, and data that root's PostgreSQL kept elsewhere. */
async function leaveNothing(): Promise<void> {
  for (const { pid, exitCode, signalCode } of children) {
    if (pid !== undefined && exitCode === null && signalCode === null) process.kill(-pid, 'SIGKILL');
  }
  for (const path of dataPaths) await untilNoPostmaster(path);
  for (const path of dataPaths) if (!path.startsWith(folder)) await rm(dirname(path), { recursive: true, force: true });
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
}

/** Were its watchdog broken, it would stay for ever: then it is ended here. */
async function untilNoPostmaster(dataPath: string): Promise<void> {
  const deadline = Date.now() + STOPPED_MAX_MS;
  const pid = Number((await readFile(join(dataPath, 'postmaster.pid'), 'utf8').catch(() => '')).split('\n', 1)[0]);
  if (!(pid > 0)) return;
  while (isAlive(pid) && Date.now() < deadline) await sleep(50);
  if (isAlive(pid)) process.kill(pid, 'SIGQUIT');
  while (isAlive(pid) && Date.now() < deadline + STOPPED_MAX_MS) await sleep(50);
}

function check(what: string, holds: boolean, detail = ''): void {
  if (!holds) return fail(`${what}\n${detail}`);
  passed++;
  process.stdout.write(`ok      ${what}\n`);
}

function fail(what: string): void {
  failures.push(what);
  process.stdout.write(`FAILED  ${what}\n`);
}

function seconds(since: number): number {
  return Math.round((Date.now() - since) / 1000);
}
