// Everything that must hold before a change lands; with --drills also what takes longer and what a deployment promises, in the short form: that is CI.
import { parseArgs } from 'node:util';
import { drillSteps } from './drills.ts';
import { runSteps, type Step } from './steps.ts';

const steps: Step[] = [
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
  ['supply chain', 'tsx scripts/supply-chain.ts'],
  ['tests', 'vitest run --coverage'],
  ['build', 'tsx scripts/build.ts'],
  ['smoke', 'tsx scripts/smoke.ts'],
];

/** What takes minutes and seldom changes; the tests have looked at the plans in a smaller shop. */
const thorough: Step[] = [
  ['query plans', 'tsx scripts/plans.ts'],
  // Does it run from start to end? The smoke test has started from nothing.
  ['bench, short', 'tsx bench/run.ts --short orders reads mixed memory'],
];

const { values } = parseArgs({ options: { drills: { type: 'boolean', default: false } } });
await runSteps([...steps, ...(values.drills ? [...thorough, ...(await drillSteps({ isShort: true }))] : [])]);
