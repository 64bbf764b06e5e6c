// Which version of which commit this is: written beside the build (scripts/build.ts), asked of git in a checkout.
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

export type Build = { version: string; commit: string };

/** `dist/build.json` when this runs from dist/, else the checkout. */
export async function buildOf(): Promise<Build> {
  if (!import.meta.url.endsWith('.ts'))
    return JSON.parse(await readFile(new URL('../../build.json', import.meta.url), 'utf8')) as Build;
  return buildOfCheckout();
}

export async function buildOfCheckout(): Promise<Build> {
  const { version } = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8')) as Build;
  const asked = promisify(execFile)('git', ['rev-parse', '--short=12', 'HEAD'], { timeout: 1000 });
  return { version, commit: await asked.then(({ stdout }) => stdout.trim(), () => 'unknown') }; // prettier-ignore
}
