// Three PostgreSQL under Patroni with our file, an etcd they vote in, and HAProxy that leads to the leader.
import { chown, mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { run, Skip, type Drill } from './drill.ts';
import { adapt, shipped, type Edit } from './edge.ts';
import { freePort, ordinary, start, until, type Running } from './processes.ts';

const DEBIAN = '/usr/lib/postgresql';
const UP_MS = 60_000;
const PASSWORD = 'drill-password';

export type Node = { name: string; port: number; restPort: number; dataDir: string; begin: () => Promise<Running>; running: Running }; // prettier-ignore

export type Cluster = {
  nodes: Node[];
  isSynchronous: boolean;
  /** Of the leader's port at HAProxy. */
  urlFor: (user: string, database: string) => string;
  binDir: string;
  /** As the superuser, of whoever leads. */
  sql: <Row extends object>(text: string, database?: string) => Promise<Row[]>;
  leader: () => Promise<Node>;
  /** What Patroni tells of the others: `sync_standby`, `replica`. */
  roles: () => Promise<string[]>;
};

/** What is shipped, changed: that is how a fault is planted. */
export type Edits = { patroni?: Edit; haproxy?: Edit };

export async function startCluster(
  here: Drill,
  voters: number,
  { patroni = same, haproxy = same }: Edits,
): Promise<Cluster> {
  const binDir = await binaries();
  const etcd = await startEtcd(here, voters);
  const file = join(here.folder, 'patroni.yml');
  // Debian's folder for sockets is Debian's account's. Not among the data: pg_rewind stumbles over it.
  const sockets = await ownFolder(here.folder, 'sockets');
  const socket = `postgresql:\n  parameters:\n    unix_socket_directories: ${sockets}`;
  await writeFile(file, adapt(patroni(await shipped('patroni/patroni.yml')), [[/^postgresql:$/gm, socket]]));
  const nodes: Node[] = [];
  for (const name of ['one', 'two', 'three']) nodes.push(await startNode(here, { name, file, etcd, binDir }));
  const port = await startLeaderPort(here, nodes, haproxy);
  const urlFor = (user: string, database: string) => `postgresql://${user}:${PASSWORD}@127.0.0.1:${port}/${database}`;
  const cluster = { nodes, isSynchronous: patroni === same, urlFor, binDir, ...questions(nodes, urlFor) };
  await untilFollowed(cluster);
  await cluster.sql(`CREATE ROLE waybill LOGIN PASSWORD '${PASSWORD}'`);
  await cluster.sql('CREATE DATABASE waybill OWNER waybill');
  return cluster;
}

const same: Edit = (text) => text;

/** As it should be: a leader, one who has all that is acknowledged, and another. */
export async function untilFollowed({ roles, nodes, isSynchronous }: Cluster): Promise<void> {
  const wanted = isSynchronous ? 'replica,sync_standby' : 'replica,replica';
  await until('two follow the leader', async () => (await roles()).toSorted().join() === wanted, UP_MS).catch(
    (error: unknown) => {
      const said = nodes.map(
        ({ name, running }) => `${name}:\n${running.log.filter(isAboutPostgres).slice(-20).join('\n')}`,
      );
      throw new Error(`${String(error)}\n${said.join('\n')}`);
    },
  );
}

/** What comes along with us has no pg_basebackup and no pg_rewind. */
async function binaries(): Promise<string> {
  const versions = await readdir(DEBIAN).catch(() => []);
  const newest = versions.toSorted((one, other) => Number(other) - Number(one))[0];
  if (newest === undefined) throw new Skip('missing pg_basebackup: apt-get install postgresql');
  return join(DEBIAN, newest, 'bin');
}

/** @returns where they are asked */
async function startEtcd({ folder, onEnd }: Drill, count: number): Promise<string> {
  const members = await Promise.all(
    Array.from({ length: count }, async (_, i) => ({
      name: `etcd${i}`,
      client: await freePort(),
      peer: await freePort(),
    })),
  );
  const all = members.map(({ name, peer }) => `${name}=http://127.0.0.1:${peer}`).join();
  for (const { name, client, peer } of members) {
    const dataDir = await ownFolder(folder, name);
    const [clientUrl, peerUrl] = [`http://127.0.0.1:${client}`, `http://127.0.0.1:${peer}`];
    const etcd = start('etcd', ['--name', name, '--data-dir', dataDir, '--listen-client-urls', clientUrl, '--advertise-client-urls', clientUrl, '--listen-peer-urls', peerUrl, '--initial-advertise-peer-urls', peerUrl, '--initial-cluster', all]); // prettier-ignore
    onEnd(() => etcd.stop());
  }
  const health = async (port: number) =>
    (await (await fetch(`http://127.0.0.1:${port}/health`)).text()).includes('true');
  for (const { client } of members) await until('etcd has voted', () => health(client));
  return members.map(({ client }) => `127.0.0.1:${client}`).join();
}

type Plan = { name: string; file: string; etcd: string; binDir: string };

async function startNode(here: Drill, { name, file, etcd, binDir }: Plan): Promise<Node> {
  const [port, restPort] = [await freePort(), await freePort()];
  const home = await ownFolder(here.folder, name);
  const dataDir = join(home, 'data');
  const env = {
    HOME: home,
    PATRONI_NAME: name,
    PATRONI_ETCD3_HOSTS: etcd,
    PATRONI_RESTAPI_LISTEN: `127.0.0.1:${restPort}`,
    PATRONI_RESTAPI_CONNECT_ADDRESS: `127.0.0.1:${restPort}`,
    PATRONI_POSTGRESQL_LISTEN: `127.0.0.1:${port}`,
    PATRONI_POSTGRESQL_CONNECT_ADDRESS: `127.0.0.1:${port}`,
    PATRONI_POSTGRESQL_DATA_DIR: dataDir,
    PATRONI_POSTGRESQL_BIN_DIR: binDir,
    PATRONI_POSTGRESQL_PGPASS: join(home, 'pgpass'),
    PATRONI_SUPERUSER_PASSWORD: PASSWORD,
    PATRONI_REPLICATION_PASSWORD: PASSWORD,
  };
  const begin = async () => (node.running = start('patroni', [file], { cwd: home, env }));
  const node: Node = { name, port, restPort, dataDir, begin, running: start('patroni', [file], { cwd: home, env }) };
  here.onEnd(() => node.running.stop());
  return node;
}

async function startLeaderPort({ folder, onEnd }: Drill, nodes: Node[], edit: Edit): Promise<number> {
  const port = await freePort();
  const places = nodes.map(({ port, restPort }, i): [RegExp, string] => [new RegExp(`10\\.0\\.0\\.1${i + 1}:5432 check port 8008`, 'g'), `127.0.0.1:${port} check port ${restPort}`]); // prettier-ignore
  const text = adapt(edit(await shipped('patroni/haproxy.cfg')), [[/bind 127\.0\.0\.1:5432/g, `bind 127.0.0.1:${port}`], ...places]); // prettier-ignore
  const path = join(folder, 'leader.cfg');
  await writeFile(path, text);
  const { status, output } = run('haproxy', ['-c', '-f', path]);
  if (status !== 0 || output.includes('[WARNING]')) throw new Error(output);
  const haproxy = start('haproxy', ['-db', '-f', path]);
  onEnd(() => haproxy.stop());
  return port;
}

function questions(nodes: Node[], urlFor: Cluster['urlFor']): Pick<Cluster, 'sql' | 'leader' | 'roles'> {
  const sql: Cluster['sql'] = async <Row extends object>(text: string, database = 'postgres') => {
    const client = new pg.Client({ connectionString: urlFor('postgres', database), connectionTimeoutMillis: 3000 });
    client.on('error', () => undefined); // the query tells
    await client.connect();
    try {
      return (await client.query<Row & pg.QueryResultRow>(text)).rows;
    } finally {
      await client.end();
    }
  };
  const isLeader = ({ restPort }: Node) => fetch(`http://127.0.0.1:${restPort}/primary`).then(({ status }) => status === 200, () => false); // prettier-ignore
  const leader = async () => {
    for (const node of nodes) if (await isLeader(node)) return node;
    throw new Error('nobody leads');
  };
  const roles = async () => {
    const { restPort } = await leader();
    const { members } = (await (await fetch(`http://127.0.0.1:${restPort}/cluster`)).json()) as { members: { role: string; state: string }[] }; // prettier-ignore
    return members.filter(({ role, state }) => role !== 'leader' && ['running', 'streaming'].includes(state)).map(({ role }) => role); // prettier-ignore
  };
  return { sql, leader, roles };
}

/** From now on the others hear nothing of what is committed here. @returns who was to tell them */
export async function freezeSenders(node: Node): Promise<number[]> {
  const pid = await postmasterOf(node);
  const children = (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')).trim().split(' ').map(Number);
  const names = await Promise.all(children.map((child) => readFile(`/proc/${child}/cmdline`, 'utf8').catch(() => '')));
  const senders = children.filter((_, i) => names[i]?.includes('walsender'));
  for (const sender of senders) process.kill(sender, 'SIGSTOP');
  return senders;
}

/** As a machine that loses its power. Patroni first, or it would start the server again. */
export async function killNode(node: Node, senders: number[]): Promise<void> {
  const pids = [node.running.pid, ...senders, await postmasterOf(node)];
  for (const pid of pids) process.kill(pid, 'SIGKILL');
}

async function postmasterOf({ dataDir }: Node): Promise<number> {
  return Number((await readFile(join(dataDir, 'postmaster.pid'), 'utf8')).split('\n')[0]);
}

/** Patroni complains at length of each question that HAProxy did not hear the end of. */
function isAboutPostgres(line: string): boolean {
  return !/^ |^$|HTTP|Traceback|Exception|Connection/.test(line);
}

async function ownFolder(folder: string, name: string): Promise<string> {
  const own = join(folder, name);
  await mkdir(own, { mode: 0o700 });
  const account = ordinary();
  if (account !== undefined) await chown(own, account.uid, account.gid);
  return own;
}
