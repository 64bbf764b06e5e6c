// Programs that a newcomer need not have: tests that use them are skipped without, but not in CI.
import { spawnSync } from 'node:child_process';

/** @throws where CI_DRILLS=required, naming the Debian package that brings it */
export function hasProgram(program: string, debianPackage: string): boolean {
  if (spawnSync(program, ['--version']).error === undefined) return true;
  if (process.env['CI_DRILLS'] === 'required')
    throw new Error(`${program} is missing: apt-get install ${debianPackage}`);
  return false;
}
