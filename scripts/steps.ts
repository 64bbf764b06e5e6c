// Runs commands one after the other, all of them whatever fails, and ends with a line that counts.
import { spawn } from 'node:child_process';
import { SKIPPED_EXIT_CODE } from '../deploy/drills/support/drill.ts';

/** What to call it → the command, its program from node_modules/.bin. */
export type Step = [name: string, command: string];

type Outcome = 'ok' | 'skipped' | 'FAILED';

export async function runSteps(steps: Step[]): Promise<void> {
  const results: { name: string; outcome: Outcome; seconds: number }[] = [];
  for (const [name, command] of steps) {
    process.stdout.write(`\n── ${name}: ${command}\n`);
    const begin = performance.now();
    const outcome = await run(command);
    results.push({ name, outcome, seconds: Math.round((performance.now() - begin) / 1000) });
  }
  process.stdout.write('\n');
  for (const { name, outcome, seconds } of results)
    process.stdout.write(`${outcome.padEnd(8)}${name} (${seconds} s)\n`);
  const count = (wanted: Outcome) => results.filter(({ outcome }) => outcome === wanted).length;
  if (count('skipped') > 0) process.stdout.write(`\n${count('skipped')} skipped`);
  process.stdout.write(`\n${count('ok')} passed, ${count('FAILED')} failed\n`);
  process.exitCode = count('FAILED') > 0 ? 1 : 0;
}

function run(command: string): Promise<Outcome> {
  const [program = '', ...args] = command.split(' ');
  return new Promise((resolve, reject) => {
    const child = spawn(`node_modules/.bin/${program}`, args, { stdio: 'inherit' });
    child.once('error', reject);
    child.once('exit', (code) => resolve(code === 0 ? 'ok' : code === SKIPPED_EXIT_CODE ? 'skipped' : 'FAILED'));
  });
}
