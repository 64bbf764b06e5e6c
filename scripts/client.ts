// Writes the typed client's api.ts from openapi.json, or with --check tells whether the committed one still fits it.
import { readFile, writeFile } from 'node:fs/promises';
import { clientSource, type Document } from './client-source.ts';

const file = 'clients/typescript/src/api.ts';
const source = clientSource(JSON.parse(await readFile('openapi.json', 'utf8')) as Document);

if (!process.argv.includes('--check')) {
  await writeFile(file, source);
} else if ((await readFile(file, 'utf8').catch(() => '')) !== source) {
  process.stderr.write(`${file} is not what openapi.json says: run npm run client and look at the difference.\n`);
  process.exitCode = 1;
}
