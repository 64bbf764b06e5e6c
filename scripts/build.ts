// Builds dist/: compiled modules, their SQL files beside them, and which version of which commit it was.
import { execFileSync } from 'node:child_process';
import { cp, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { buildOfCheckout } from '../shared/lifecycle/build.ts';

const { values: told } = parseArgs({
  options: {
    /** Told where there is no checkout to ask: in an image. A blank one counts as not told. */
    version: { type: 'string' },
    commit: { type: 'string' },
    /** For a start that should be quick: types are left to `npm run types`. The files are the same, in a sixth of the time. */
    unchecked: { type: 'boolean', default: false },
  },
});

await rm('dist', { recursive: true, force: true });
const tsc = ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json', ...(told.unchecked ? ['--noCheck'] : [])];
execFileSync(process.execPath, tsc, { stdio: 'inherit' });
for (const folder of ['modules', 'shared']) await copySql(folder);
const { version, commit } = await buildOfCheckout();
await writeFile('dist/build.json', JSON.stringify({ version: told.version || version, commit: told.commit || commit }));

async function copySql(folder: string): Promise<void> {
  const files = await readdir(folder, { recursive: true });
  await Promise.all(
    files.filter((file) => file.endsWith('.sql')).map((file) => cp(join(folder, file), join('dist', folder, file))),
  );
}
