// Checks the import rules with dependency-cruiser, and that it saw the imports at all.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

/** Tests may import what they like; that nothing imports them is a rule. */
const sourcesOf = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.split('/').includes('tests'))
    .map((file) => join(folder, file));

const sources = [
  'app.ts',
  'server.ts',
  ...['modules', 'shared', 'scripts', 'chaos', 'bench', 'deploy', 'clients'].flatMap(sourcesOf),
];
/** A checker that silently sees half of the files is worse than none: this many imports were there when the rules were written. */
const IMPORTS_MIN = 1000;

type Cruise = {
  summary: { totalDependenciesCruised: number; violations: { rule: { name: string }; from: string; to: string }[] };
};

const { stdout, stderr } = spawnSync(
  'npx',
  ['depcruise', '--config', '.dependency-cruiser.cjs', '--output-type', 'json', ...sources],
  {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  },
);
if (!stdout.startsWith('{')) throw new Error(`dependency-cruiser did not answer: ${stderr}`);
const { summary } = JSON.parse(stdout) as Cruise;
for (const { rule, from, to } of summary.violations) process.stderr.write(`${rule.name}: ${from} → ${to}\n`);
process.stdout.write(`${summary.totalDependenciesCruised} imports seen, ${summary.violations.length} violations\n`);
if (summary.totalDependenciesCruised < IMPORTS_MIN)
  process.stderr.write(`fewer than ${IMPORTS_MIN}: files are not being read\n`);
process.exitCode = summary.violations.length > 0 || summary.totalDependenciesCruised < IMPORTS_MIN ? 1 : 0;
