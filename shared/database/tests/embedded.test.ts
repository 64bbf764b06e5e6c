/** Stories of the PostgreSQL that comes along: how it starts, survives every kind of killing, and keeps to itself. */
import { spawn, spawnSync, type ChildProcess, type SpawnOptions } from 'node:child_process';
import { once } from 'node:events';
import { chmod, chown, cp, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { locatePackage, prepareBinaries } from '../embedded-binaries.ts';
import { choosePlace } from '../embedded-data.ts';
import { attachEmbeddedPostgres, databaseUrl, startEmbeddedPostgres, type EmbeddedPostgres } from '../embedded.ts';

const module = new URL('../embedded.ts', import.meta.url).href;
const root = new URL('../../..', import.meta.url).pathname;
const nobody = { uid: 65534, gid: 65534 };
const isRoot = process.getuid?.() === 0;
const nobodyMayReadUs =
  isRoot &&
  spawnSync(process.execPath, ['-e', `require('fs').readdirSync('.')`], { ...nobody, cwd: root }).status === 0;
const poll = { timeout: 20_000, interval: 20 };
const quick = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' };

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

describe('starting and stopping', () => {
  test('a first start makes the database, a second keeps the data', async () => {
    const dataDir = await folder();
    const first = await start(dataDir);
    await rows(first.url, `CREATE TABLE parcel AS SELECT 'to Ada' AS label`);
    await first.stop();
    await first.stop();
    expect(await attachEmbeddedPostgres({ dataDir })).toBeNull();

    const second = await start(dataDir);
    expect(await rows(second.url, 'SELECT label FROM parcel')).toEqual([{ label: 'to Ada' }]);
    expect(second).toMatchObject({ started: true, dataPath: join(dataDir, 'postgres') });
  });

  test('the app is an ordinary role that owns its database, and what it commits is durable unless told otherwise', async () => {
    const server = await startEmbeddedPostgres({ dataDir: await folder(), settings: { max_connections: '37' } });
    onTestFinished(() => server.stop());
    const role = 'SELECT rolsuper, rolcreaterole, rolcreatedb FROM pg_roles WHERE rolname = current_user';
    expect(await rows(server.url, role)).toEqual([{ rolsuper: false, rolcreaterole: false, rolcreatedb: false }]);
    expect(await rows(server.url, 'CREATE SCHEMA orders')).toEqual([]);
    const settings = `SELECT current_setting('fsync') || current_setting('synchronous_commit') || current_setting('full_page_writes') AS durable,
      current_setting('listen_addresses') AS addresses, current_setting('max_connections') AS connections`;
    expect(await rows(server.url, settings)).toEqual([{ durable: 'ononon', addresses: '', connections: '37' }]);
    expect(await rows(databaseUrl(server, 'waybill', 'postgres'), 'SHOW is_superuser')).toEqual([
      { is_superuser: 'on' },
    ]);
  });

  test('a second server on the same data is refused, and attaching finds the first', async () => {
    const dataDir = await folder();
    expect(await attachEmbeddedPostgres({ dataDir })).toBeNull();
    const server = await start(dataDir);
    await expect(start(dataDir)).rejects.toThrow(`A PostgreSQL (pid ${server.pid}) already runs`);

    const attached = await attachEmbeddedPostgres({ dataDir });
    expect(attached).toMatchObject({ started: false, pid: server.pid, url: server.url });
    await attached?.stop();
    expect(await rows(server.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  test('two first starts at once: one wins, the other is told', async () => {
    const dataDir = await folder();
    const apps = [app(dataDir), app(dataDir)];
    await Promise.race(apps.map(async (child) => said(child, 'ready')));
    await Promise.race(apps.map(async (child) => once(child, 'exit')));
    expect(new Set(apps.map(({ exitCode }) => exitCode))).toEqual(new Set([1, null]));
    expect((await readdir(dataDir)).filter((name) => name.includes('unfinished'))).toEqual([]);
  });

  test('a path too long for a socket works like any other', async () => {
    const dataDir = join(await folder(), 'a long, winding path '.repeat(8));
    const server = await start(dataDir);
    const socketDir = decodeURIComponent(new URL(server.url).hostname);
    onTestFinished(() => rm(socketDir, { recursive: true }));
    expect(await stat(socketDir)).toMatchObject({ mode: 0o40700 });
    expect(await rows(server.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    expect(await attachEmbeddedPostgres({ dataDir })).toMatchObject({ pid: server.pid });
  });

  test('the Ctrl-C of the terminal is for the app only: it drains while its database serves', async () => {
    const child = app(await folder(), {
      afterwards: `process.once('SIGINT', async () => { await pg.query('SELECT pg_sleep(0.3)'); console.log('drained'); process.exit(); });`,
    });
    await said(child, 'ready');
    process.kill(-pidOf(child), 'SIGINT');
    expect(await said(child, 'drained')).toBe('drained');
  });
});

describe('being killed', () => {
  test('SIGKILL of the app leaves no PostgreSQL, though a child of it lives on; a start right after it has every committed row', async () => {
    const dataDir = await folder();
    const child = app(dataDir, {
      afterwards: `const helper = spawn('sleep', ['60'], { detached: true, stdio: 'ignore' });
        await pg.query('CREATE TABLE parcel (id int)'); await pg.query('INSERT INTO parcel VALUES (1)');
        console.log('committed', helper.pid);`,
    });
    const helperPid = Number((await said(child, 'committed')).split(' ').at(-1));
    onTestFinished(() => void process.kill(helperPid, 'SIGKILL'));
    child.kill('SIGKILL');

    const next = await start(dataDir);
    expect(await rows(next.url, 'SELECT id FROM parcel')).toEqual([{ id: 1 }]);
    expect(process.kill(helperPid, 0)).toBe(true);
  });

  test('SIGKILL of an app that nobody starts again leaves no PostgreSQL either', async () => {
    const dataDir = await folder();
    const child = app(dataDir);
    await said(child, 'ready');
    child.kill('SIGKILL');
    await expect.poll(() => readdir(join(dataDir, 'postgres')), poll).not.toContain('postmaster.pid');
  });

  test('an app that ends without stopping its server is not held back by it', async () => {
    const dataDir = await folder();
    const child = app(dataDir, { afterwards: 'await pg.end(); clearInterval(alive);' });
    expect(await once(child, 'exit')).toEqual([0, null]);
    await expect.poll(() => readdir(join(dataDir, 'postgres')), poll).not.toContain('postmaster.pid');
  });

  test('a start killed in initdb leaves nothing half made', async () => {
    const dataDir = await folder();
    const child = app(dataDir);
    await expect.poll(() => readdir(dataDir), poll).toEqual([`postgres.unfinished-${pidOf(child)}`]);
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(await readdir(dataDir)).not.toContain('postgres');

    await start(dataDir);
    expect(await readdir(dataDir)).toEqual(['postgres']);
  });

  test('a start killed before the role and the database were made is completed by the next', async () => {
    const dataDir = await folder();
    const first = await start(dataDir);
    await rows(first.superuserUrl, 'DROP DATABASE waybill');
    await rows(first.superuserUrl, 'DROP ROLE waybill');
    await first.stop();
    const next = await start(dataDir);
    expect(await rows(next.url, 'SELECT current_user AS me')).toEqual([{ me: 'waybill' }]);
  });

  test('a pid left behind by a dead server is not believed, even when another program has it now', async () => {
    const dataDir = await folder();
    const server = await start(dataDir);
    const lockPath = join(server.dataPath, 'postmaster.pid');
    const leftover = await readFile(lockPath, 'utf8');
    const { uid, gid } = await stat(server.dataPath);
    await server.stop();
    const stranger = spawn('sleep', ['60'], { uid, gid, stdio: 'ignore' });
    onTestFinished(() => void stranger.kill());
    await writeFile(lockPath, leftover.replace(String(server.pid), String(pidOf(stranger))));
    await chown(lockPath, uid, gid);

    const next = await start(dataDir);
    expect(await rows(next.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    expect(stranger.exitCode).toBeNull();
  });
});

describe('where it cannot run as it is', () => {
  test('data of another major version are left alone', async () => {
    const dataDir = await folder();
    const server = await start(dataDir);
    await server.stop();
    await writeFile(join(server.dataPath, 'PG_VERSION'), '17\n');
    await expect(start(dataDir)).rejects.toThrow(/made by PostgreSQL 17.*set DATABASE_URL/);
  });

  test('a package that cannot be entered or written to is copied, with the links that its install script did not make', async () => {
    const place = await choosePlace(await folder());
    const locked = await mkdtemp(join(tmpdir(), 'waybill-'));
    const packagePath = join(locked, 'package');
    await cp(locatePackage(), packagePath, { recursive: true, filter: async (path) => !(await isLinkTarget(path)) });
    await chmod(join(packagePath, 'native/lib'), 0o555);
    onTestFinished(async () => {
      await chmod(join(packagePath, 'native/lib'), 0o755);
      await rm(locked, { recursive: true });
    });

    const copied = await prepareBinaries(packagePath, place.home, place.account);
    expect(copied.postgres).toContain(place.home);
    expect(await prepareBinaries(packagePath, place.home, place.account)).toEqual(copied);
  });

  test.runIf(isRoot)(
    'as root: data below a folder closed to others go where PostgreSQL can enter, and are found again',
    async () => {
      const closed = await folder();
      await chmod(closed, 0o700);
      const dataDir = join(closed, 'data');
      const first = await start(dataDir);
      onTestFinished(() => rm(join(first.dataPath, '..'), { recursive: true }));
      await rows(first.url, 'CREATE TABLE parcel ()');
      await first.stop();

      const second = await start(dataDir);
      expect(second.dataPath).toMatch(/^\/var\/lib\/waybill\/\w{16}\/postgres$/);
      expect(await rows(second.url, 'SELECT count(*)::int AS parcels FROM parcel')).toEqual([{ parcels: 0 }]);
    },
  );

  // Needs root, to become somebody else, and a working copy that everybody may read.
  test.runIf(nobodyMayReadUs)(
    'an ordinary account runs it as itself; root then goes on with the same data as that account',
    async () => {
      const dataDir = await folder();
      await chown(dataDir, nobody.uid, nobody.gid);
      const child = app(dataDir, { options: nobody });
      await said(child, 'ready');
      expect(await stat(join(dataDir, 'postgres'))).toMatchObject(nobody);
      child.kill('SIGKILL');
      await start(dataDir);
    },
  );

  test.runIf(nobodyMayReadUs)('an account that does not own the data is told so', async () => {
    const dataDir = await folder();
    await mkdir(join(dataDir, 'postgres'));
    const child = app(dataDir, { options: nobody });
    const words = 'belong to uid 0, and this process runs as uid 65534';
    expect(await said(child, words)).toContain('set DATABASE_URL');
  });
});

/** mkdtemp makes it private to root, whose PostgreSQL runs as somebody else. */
async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'waybill-'));
  await chmod(path, 0o755);
  onTestFinished(async () => {
    await expect.poll(() => attachEmbeddedPostgres({ dataDir: path }).catch(() => null), poll).toBeNull();
    await rm(path, { recursive: true, maxRetries: 5 });
  });
  return path;
}

async function start(dataDir: string): Promise<EmbeddedPostgres> {
  const server = await startEmbeddedPostgres({ dataDir, settings: quick });
  onTestFinished(() => server.stop());
  return server;
}

/** A process of its own that starts the server, says ready, does what comes `afterwards`, and stays. */
function app(
  dataDir: string,
  { afterwards = '', options = {} }: { afterwards?: string; options?: SpawnOptions } = {},
): ChildProcess {
  const code = `
    import { spawn } from 'node:child_process';
    import { Client } from 'pg';
    const { startEmbeddedPostgres } = await import('${module}');
    const server = await startEmbeddedPostgres({ dataDir: ${JSON.stringify(dataDir)} });
    const pg = new Client({ connectionString: server.url });
    pg.on('error', () => {});
    await pg.connect();
    const alive = setInterval(() => {}, 1000);
    console.log('ready');
    ${afterwards}`;
  const nodeArguments = ['--import', 'tsx', '--input-type=module', '--eval', code];
  const child = spawn(process.execPath, nodeArguments, {
    ...options,
    cwd: root,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

async function said(child: ChildProcess, words: string): Promise<string> {
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (output += String(chunk)));
  await expect.poll(() => output, poll).toContain(words);
  return output.split('\n').find((line) => line.includes(words)) ?? '';
}

async function rows(url: string, sql: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

async function isLinkTarget(path: string): Promise<boolean> {
  const links = await readFile(join(locatePackage(), 'native/pg-symlinks.json'), 'utf8');
  return links.includes(`"target":"${path.slice(locatePackage().length + 1)}"`);
}

function pidOf({ pid }: ChildProcess): number {
  if (pid === undefined) throw new Error('the child did not start');
  return pid;
}
