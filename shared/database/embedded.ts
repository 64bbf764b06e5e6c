/** Starts the PostgreSQL that comes along, for machines that have none: a real server of its own, on a private socket, without port or password. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { locatePackage, prepareBinaries, type Binaries } from './embedded-binaries.ts';
import { checkVersion, choosePlace, findPlace, makeData, makeSocketDir, sweep, type Place } from './embedded-data.ts';
import { findPostmaster, readPostmaster, untilFree } from './embedded-lock.ts';
import { Program } from './embedded-process.ts';

export type EmbeddedPostgres = {
  /** Database `waybill` as its owner, the ordinary role `waybill`: what works here works in production. */
  url: string;
  /** Database `postgres` as the superuser, for tests and operators. */
  superuserUrl: string;
  /** `<dataDir>/postgres`, or a folder under /var/lib/waybill when root's PostgreSQL cannot enter `dataDir`. */
  dataPath: string;
  /** The postmaster's. */
  pid: number;
  /** False when attached to one already running. */
  started: boolean;
  /** Fast shutdown, at most 15 s; again or when only attached: nothing. A process that just ends has its server stopped by a watchdog. */
  stop(): Promise<void>;
};

type Settings = Record<string, string>;
type Options = { dataDir: string; settings?: Settings; onOutput?: (line: string) => void };

// A crash recovery reads up to 1 GB of log (max_wal_size).
const startMs = 120_000;
const pollMs = 10;

/** `settings` are PostgreSQL's own (fsync, max_connections, …); without them every commit is durable. */
export async function startEmbeddedPostgres(options: Options): Promise<EmbeddedPostgres> {
  const packagePath = locatePackage();
  const found = await findPlace(options.dataDir);
  const place = found ?? (await choosePlace(options.dataDir));
  await sweep(place.home);
  const binaries = await prepareBinaries(packagePath, place.home, place.account);
  if (!found) await makeData(binaries, place, options.settings?.['fsync'] !== 'off');
  await checkVersion(place.dataPath);
  await untilFree(place.dataPath);
  return launch(binaries, place, options);
}

/** The server that already runs on these data, or null: also while it starts or stops. */
export async function attachEmbeddedPostgres({ dataDir }: { dataDir: string }): Promise<EmbeddedPostgres | null> {
  const place = await findPlace(dataDir);
  if (!place) return null;
  const postmaster = await findPostmaster(place.dataPath);
  if (postmaster?.status !== 'ready') return null;
  const server = describe(place, postmaster.socketDir, postmaster.pid);
  const isComplete = await query(server.url, (client) => client.query('SELECT')).then(
    () => true,
    () => false,
  );
  return isComplete ? { ...server, started: false, stop: async () => {} } : null;
}

/** The same server, another database or user. */
export function databaseUrl(server: EmbeddedPostgres, database: string, user = 'waybill'): string {
  const url = new URL(server.url);
  url.username = user;
  url.pathname = `/${database}`;
  return url.href;
}

async function launch(
  binaries: Binaries,
  place: Place,
  { settings = {}, onOutput }: Options,
): Promise<EmbeddedPostgres> {
  const socketDir = await makeSocketDir(place);
  const postmaster = new Program(
    [binaries.postgres, '-D', place.dataPath, ...flags(settings, socketDir)],
    place.account,
    onOutput,
  );
  const server = describe(place, socketDir, postmaster.pid);
  try {
    await untilReady(postmaster, place.dataPath);
    await query(server.superuserUrl, makeRoleAndDatabase);
  } catch (error) {
    await postmaster.end();
    throw error;
  }
  postmaster.unref();
  let stopped: Promise<void> | undefined;
  return { ...server, started: true, stop: () => (stopped ??= postmaster.end()) };
}

/** PostgreSQL's own 4 is for disks that turn: it would rather read ten thousand orders in a row than a customer's hundred. */
const defaults = { random_page_cost: '1.1' };

function flags(settings: Settings, socketDir: string): string[] {
  const ours = { listen_addresses: '', port: '5432', unix_socket_directories: quoted(socketDir) };
  return Object.entries({ ...defaults, ...settings, ...ours }).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}

/** The setting is a list: a comma or a blank would divide a path. */
function quoted(path: string): string {
  return `"${path.replaceAll('"', '""')}"`;
}

async function untilReady(postmaster: Program, dataPath: string): Promise<void> {
  const deadline = Date.now() + startMs;
  while (postmaster.isRunning && Date.now() < deadline) {
    const seen = await readPostmaster(dataPath);
    if (seen?.pid === postmaster.pid && seen.status === 'ready') return;
    await sleep(pollMs);
  }
  throw new Error(
    `PostgreSQL did not start on ${dataPath} (mend the cause, or set DATABASE_URL):\n${postmaster.lastWords}`,
  );
}

/** Asked at every start, so that a first start killed half-way is completed by the next. */
async function makeRoleAndDatabase(client: Client): Promise<void> {
  const role = await client.query(`SELECT FROM pg_roles WHERE rolname = 'waybill'`);
  if (role.rowCount === 0) await client.query('CREATE ROLE waybill LOGIN');
  const database = await client.query(`SELECT FROM pg_database WHERE datname = 'waybill'`);
  if (database.rowCount === 0) await client.query('CREATE DATABASE waybill OWNER waybill');
}

async function query(url: string, work: (client: Client) => Promise<unknown>): Promise<void> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  client.on('error', () => {}); // a lost connection fails the query too
  try {
    await client.connect();
    await work(client);
  } finally {
    await client.end();
  }
}

/** The port is written out because PGPORT would change it otherwise; both node-postgres and libpq read a folder as host. */
function describe({ dataPath }: Place, socketDir: string, pid: number) {
  const address = `${encodeURIComponent(socketDir)}:5432`;
  return {
    url: `postgresql://waybill@${address}/waybill`,
    superuserUrl: `postgresql://postgres@${address}/postgres`,
    dataPath,
    pid,
  };
}
