// Builds dist/: compiled modules, their SQL files beside them, and which version of which commit it was.
import { execFileSync } from 'node:child_process';
import { cp, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { buildOfCheckout } from '../shared/lifecycle/build.ts';

/** Told where there is no checkout to ask: in an image. A blank one counts as not told. */
const { values: told } = parseArgs({ options: { version: { type: 'string' }, commit: { type: 'string' } } });

await rm('dist', { recursive: true, force: true });
execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json'], { stdio: 'inherit' });
for (const folder of ['modules', 'shared']) await copySql(folder);
const { version, commit } = await buildOfCheckout();
await writeFile('dist/build.json', JSON.stringify({ version: told.version || version, commit: told.commit || commit }));

async function copySql(folder: string): Promise<void> {
  const files = await readdir(folder, { recursive: true });
  await Promise.all(
    files.filter((file) => file.endsWith('.sql')).map((file) => cp(join(folder, file), join('dist', folder, file))),
  );
}
