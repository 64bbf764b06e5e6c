// Runs the stories of an earlier version on the schema of today: while processes are replaced, old code works on it. --against <ref>, else the last tagged version.
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { lastTag } from './last-tag.ts';

const { values, positionals } = parseArgs({ options: { against: { type: 'string' } }, allowPositionals: true });
const against = values.against ?? lastTag();
/** Who reads and writes the schema; what else there is tests no SQL, or the files of the migrations themselves. */
const stories = positionals.length > 0 ? positionals : ['modules', 'shared/events', 'shared/idempotency'];

if (against === undefined) process.stdout.write('No version is tagged yet (v*): there is nothing to run.\n');
else process.exitCode = runOnTodaysSchema(against);

/** @returns the exit code of the old tests */
function runOnTodaysSchema(ref: string): number {
  const folder = mkdtempSync(join(tmpdir(), 'waybill-schema-'));
  try {
    execFileSync('git', ['worktree', 'add', '--detach', folder, ref], { stdio: 'ignore' });
    // Its packages are nearly ours: what is tested is SQL.
    symlinkSync(resolve('node_modules'), join(folder, 'node_modules'));
    const rooms = new Set(migrations().map((file) => dirname(file)));
    for (const room of rooms) cpSync(room, join(folder, room), { recursive: true });
    const vitest = ['vitest', 'run', '--coverage.enabled=false', ...stories];
    return spawnSync('npx', vitest, { cwd: folder, stdio: 'inherit' }).status ?? 1;
  } finally {
    execFileSync('git', ['worktree', 'remove', '--force', folder]);
    rmSync(folder, { recursive: true, force: true });
  }
}

function migrations(): string[] {
  return execFileSync('git', ['ls-files', '*/migrations/*.sql'], { encoding: 'utf8' }).trim().split('\n');
}
