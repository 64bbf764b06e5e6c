// Tells what openapi.json takes away from callers of the last tagged version, or of --against <file|ref>; a new major version may.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { breaksBetween, type Document } from './api-breaks.ts';
import { lastTag } from './last-tag.ts';

const chosen = process.argv.indexOf('--against');
const against = chosen === -1 ? lastTag() : (process.argv[chosen + 1] ?? 'HEAD');

if (against === undefined) process.stdout.write('No version is tagged yet (v*): there is nothing to compare with.\n');
else
  report(
    against,
    JSON.parse(textOf(against)) as Document,
    JSON.parse(readFileSync('openapi.json', 'utf8')) as Document,
  );

function report(against: string, before: Document, after: Document): void {
  const breaks = breaksBetween(before, after);
  for (const line of breaks) process.stdout.write(`${line}\n`);
  const versions = [before, after].map(({ info }) => info?.version ?? '0.0.0');
  const mayBreak = epochOf(versions[0]) !== epochOf(versions[1]);
  process.stdout.write(`${breaks.length} breaking changes against ${against} (${versions.join(' → ')})\n`);
  if (breaks.length === 0 || mayBreak) return;
  process.stderr.write('Whoever calls the API now would notice: take them back, or raise the major version.\n');
  process.exitCode = 1;
}

/** Semantic versioning: the major version, or the minor one before 1.0. */
function epochOf(version = ''): string {
  const [major = '', minor = ''] = version.split('.');
  return major === '0' ? `0.${minor}` : major;
}

function textOf(fileOrRef: string): string {
  return existsSync(fileOrRef) ? readFileSync(fileOrRef, 'utf8') : git('show', `${fileOrRef}:openapi.json`);
}

function git(...args: string[]): string {
  return execFileSync('git', args, { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
}
