// The README's program, as typed: compiled against the built package by whoever installs it, and run.
import { spawn } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestApp, type TestApp } from '../../../tests/support/app.ts';
import { root } from '../../../tests/support/tree-copy.ts';

const here = join(root, 'clients/typescript');
let app: TestApp;
let folder: string;
beforeAll(async () => {
  app = await startTestApp();
  folder = await mkdtemp(join(tmpdir(), 'waybill-consumer-'));
});
afterAll(async () => {
  await app.close();
  await rm(folder, { recursive: true, force: true });
});

test('the first program compiles under strict and buys what there is', async () => {
  await app.sellable({ sku: 'MUG', onHand: 5 });
  await app.sellable({ sku: 'LAST-ONE', onHand: 1 });
  await install();
  const [, program = ''] = /```ts\n([\s\S]*?)```/.exec(await readFile(join(here, 'README.md'), 'utf8')) ?? [];
  expect(program).toContain('http://localhost:3000');
  await writeFile(join(folder, 'buy.ts'), program.replace('http://localhost:3000', app.url));
  expect(await run(join(root, 'node_modules/.bin/tsc'), ['-p', folder])).toBe('');
  const output = await run(process.execPath, [join(folder, 'buy.js')]);
  expect(output).toMatch(/W-\d+: paid/);
  expect(output).toMatch(/LAST-ONE: \S+/);
});

/** What `npm pack` would bring: the package's files, built. */
async function install(): Promise<void> {
  const installed = join(folder, 'node_modules/waybill-client');
  await mkdir(installed, { recursive: true });
  await cp(join(here, 'package.json'), join(installed, 'package.json'));
  await run(join(root, 'node_modules/.bin/tsc'), ['-p', here, '--outDir', join(installed, 'dist')]);
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
  const compilerOptions = { strict: true, module: 'nodenext', target: 'es2022', lib: ['es2023', 'dom'], types: [] };
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['buy.ts'] }));
}

function run(program: string, args: string[]): Promise<string> {
  const child = spawn(program, args, { cwd: folder });
  const output: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => output.push(chunk));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      const text = Buffer.concat(output).toString();
      if (code === 0) resolve(text);
      else reject(new Error(`${program} ended with ${code}: ${text}`));
    });
  });
}
