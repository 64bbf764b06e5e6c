// Writes .env.example, or with --check fails when the committed one differs from the schema.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { renderEnvExample } from '../shared/config/config.env-example.ts';

const file = new URL('../.env.example', import.meta.url);

if (process.argv.includes('--check')) check();
else writeFileSync(file, renderEnvExample());

function check(): void {
  const committed = existsSync(file) ? readFileSync(file, 'utf8') : '';
  if (committed === renderEnvExample()) return;
  process.stderr.write(
    '.env.example differs from the configuration schema: run scripts/env-example.ts and commit it\n',
  );
  process.exitCode = 1;
}
