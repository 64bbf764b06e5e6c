// Everything that must hold before a change lands, one step after the other; the same list for people and for CI.
import { spawn } from 'node:child_process';

const steps: [string, string][] = [
  ['format', 'oxfmt --check .'],
  ['lint', 'oxlint --type-aware'],
  ['types', 'tsc --noEmit'],
  ['boundaries', 'tsx scripts/boundaries.ts'],
  ['dead code', 'knip'],
  ['.env.example', 'tsx scripts/env-example.ts --check'],
  ['openapi.json', 'tsx scripts/openapi.ts --check'],
  ['openapi.json, lint', 'tsx scripts/openapi-lint.ts'],
  ['breaking changes', 'tsx scripts/api-diff.ts'],
  ['client', 'tsx scripts/client.ts --check'],
  ['client, types', 'tsc -p clients/typescript --noEmit'],
  ['audit', 'tsx scripts/audit.ts'],
  ['tests', 'vitest run --coverage'],
  ['crash matrix, short', 'tsx chaos/crash.ts --short'],
  ['build', 'tsx scripts/build.ts'],
  ['smoke', 'tsx scripts/smoke.ts'],
];

const results: { name: string; passed: boolean; seconds: number }[] = [];
for (const [name, command] of steps) {
  process.stdout.write(`\n── ${name}: ${command}\n`);
  const begin = performance.now();
  const passed = await run(command);
  results.push({ name, passed, seconds: Math.round((performance.now() - begin) / 1000) });
}

process.stdout.write('\n');
for (const { name, passed, seconds } of results)
  process.stdout.write(`${passed ? 'ok    ' : 'FAILED'}  ${name} (${seconds} s)\n`);
const failed = results.filter(({ passed }) => !passed).length;
process.stdout.write(`\n${results.length - failed} passed, ${failed} failed\n`);
process.exitCode = failed > 0 ? 1 : 0;

function run(command: string): Promise<boolean> {
  const [program = '', ...args] = command.split(' ');
  return new Promise((resolve, reject) => {
    const child = spawn(`node_modules/.bin/${program}`, args, { stdio: 'inherit' });
    child.once('error', reject);
    child.once('exit', (code) => resolve(code === 0));
  });
}
