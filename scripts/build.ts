// Builds dist/: compiled modules, their SQL files beside them, and which commit it was.
import { execFileSync } from 'node:child_process';
import { cp, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buildOfCheckout } from '../shared/lifecycle/build.ts';

await rm('dist', { recursive: true, force: true });
execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json'], { stdio: 'inherit' });
for (const folder of ['modules', 'shared']) await copySql(folder);
await writeFile('dist/build.json', JSON.stringify(await buildOfCheckout()));

async function copySql(folder: string): Promise<void> {
  const files = await readdir(folder, { recursive: true });
  await Promise.all(
    files.filter((file) => file.endsWith('.sql')).map((file) => cp(join(folder, file), join('dist', folder, file))),
  );
}
