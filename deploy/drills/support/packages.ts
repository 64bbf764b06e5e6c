// Packages that only a drill needs: too heavy for package.json, fetched once into a folder outside of the checkout.
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { run, Skip } from './drill.ts';

const FETCH_MS = 180_000;

/** What later runs find again; it may be deleted at any time. */
export const cachePath = (...names: string[]): string =>
  join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'waybill-drills', ...names);

/** @param specs `name@1.2.3`, exact. @returns the path of their node_modules; throws Skip when they cannot be had. */
export function fetchPackages(...specs: string[]): string {
  const folder = cachePath(specs.join('+').replaceAll('/', '-'));
  if (existsSync(folder)) return join(folder, 'node_modules');
  const unfinished = `${folder}.unfinished-${process.pid}`;
  mkdirSync(unfinished, { recursive: true });
  writeFileSync(join(unfinished, 'package.json'), '{ "private": true }');
  const args = ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--legacy-peer-deps', ...specs];
  const { status, output } = run('npm', args, { cwd: unfinished, timeout: FETCH_MS });
  if (status !== 0) {
    rmSync(unfinished, { recursive: true });
    throw new Skip(`npm did not bring ${specs.join(' ')}: ${output.split('\n').at(-1) ?? ''}`);
  }
  renameSync(unfinished, folder);
  return join(folder, 'node_modules');
}
