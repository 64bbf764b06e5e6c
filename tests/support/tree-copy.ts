// A copy of the source tree in which a test may break what it likes, and the checks of the house run on it.
import { spawn } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

export const root = new URL('../..', import.meta.url).pathname;

/** What is neither source nor configuration, or large. */
const leftOut = new Set([
  'node_modules',
  'dist',
  'coverage',
  '.git',
  '.data',
  '.stryker-tmp',
  'reports',
  'openapi.json',
]);

export type Ran = { code: number | null; output: string };
export type Tree = {
  folder: string;
  /** Writes a file, or adds to what is there. */
  plant: (file: string, text: string) => Promise<void>;
  edit: (file: string, change: (text: string) => string) => Promise<void>;
  run: (command: string) => Promise<Ran>;
  remove: () => Promise<void>;
};

export async function copyTree(): Promise<Tree> {
  const folder = await mkdtemp(join(tmpdir(), 'waybill-tree-'));
  const names = (await readdir(root)).filter((name) => !leftOut.has(name));
  await Promise.all(names.map((name) => cp(join(root, name), join(folder, name), { recursive: true })));
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
  return {
    folder,
    plant: (file, text) => put(join(folder, file), text),
    edit: async (file, change) => writeFile(join(folder, file), change(await readFile(join(folder, file), 'utf8'))),
    run: (command) => runIn(folder, command),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

async function put(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text, { flag: 'a' });
}

/** The programs are the packages' own, as npm scripts call them. */
export function runIn(folder: string, command: string): Promise<Ran> {
  const [program = '', ...args] = command.split(' ');
  const env = { ...process.env, NO_COLOR: '1', NODE_ENV: undefined, VITEST: undefined };
  const child = spawn(join(root, 'node_modules/.bin', program), args, { cwd: folder, env });
  const output: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => output.push(chunk));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, output: Buffer.concat(output).toString() }));
  });
}
