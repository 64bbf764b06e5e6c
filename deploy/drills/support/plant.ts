// A fault for a drill that has to notice it.
import { readFileSync, writeFileSync } from 'node:fs';

/** Changes one file of a copy; throws when there is nothing to change, so that no fault is planted in vain. */
export function plant(file: string, from: string | RegExp, to: string): void {
  const text = readFileSync(file, 'utf8');
  const changed = text.replace(from, to);
  if (changed === text) throw new Error(`${file} has no ${String(from)} to change`);
  writeFileSync(file, changed);
}
