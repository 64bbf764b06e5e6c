// Which drills there are: every file of deploy/drills, and the crash matrix.
import { readdir } from 'node:fs/promises';
import type { Step } from './steps.ts';

/** Their short form would say nothing, or take too long for every change. */
const onlyInFull: string[] = [];

export async function drillSteps({ isShort }: { isShort: boolean }): Promise<Step[]> {
  const files = (await readdir('deploy/drills')).filter((name) => name.endsWith('.ts'));
  const names = files
    .map((name) => name.slice(0, -'.ts'.length))
    .filter((name) => !isShort || !onlyInFull.includes(name));
  const how = isShort ? ' --short' : '';
  return [
    ['crash matrix', `tsx chaos/crash.ts${how}`],
    ...names.map((name): Step => [`drill:${name}`, `tsx deploy/drills/${name}.ts${how}`]),
  ];
}
