// Runs the random tests in full, with a seed that is told: npm run fuzz, npm run model [-- --seed 7 --runs 500 --processes 2 --only placeOrder]
import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';

/** Of each operation as many valid and as many spoiled requests; of the model so many walks. */
const kinds: Record<string, { file: string; runs: number }> = {
  schema: { file: 'tests/fuzz/schema.test.ts', runs: 200 },
  model: { file: 'tests/model/order.test.ts', runs: 500 },
};

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: 'string' },
    runs: { type: 'string' },
    only: { type: 'string' },
    processes: { type: 'string', default: '1' },
  },
});
const kind = kinds[positionals[0] ?? ''];
if (kind === undefined) throw new Error(`say one of ${Object.keys(kinds).join(', ')}`);

const seed = values.seed ?? process.env['FUZZ_SEED'] ?? String(randomInt(2 ** 31));
const runs = values.runs ?? String(kind.runs);
process.stdout.write(
  `seed ${seed}, ${runs} runs; again: FUZZ_SEED=${seed} npm run ${process.env['npm_lifecycle_event'] ?? 'fuzz'}\n`,
);

const narrowed = values.only === undefined ? [] : ['--testNamePattern', values.only];
const args = ['run', '--coverage.enabled=false', '--testTimeout=3600000', ...narrowed, kind.file];
const env = { ...process.env, FUZZ_SEED: seed, FUZZ_RUNS: runs, FUZZ_PROCESSES: values.processes };
const child = spawn('node_modules/.bin/vitest', args, { stdio: 'inherit', env });
child.once('exit', (code) => {
  process.exitCode = code ?? 1;
});
