// Runs commands one after the other, all of them whatever fails, and ends with what failed, and a line that counts.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { stripVTControlCharacters } from 'node:util';
import { SKIPPED_EXIT_CODE } from '../deploy/drills/support/drill.ts';

/** What to call it → the command, its program from node_modules/.bin. */
export type Step = [name: string, command: string];

type Outcome = 'ok' | 'skipped' | 'FAILED';

/** What vitest, drills and linters write where something is wrong. */
const COMPLAINT = /^(?!ok|✓).*(\bFAIL(ED)?\b|\bError\b|\bERROR\b|does not meet)/;
const COMPLAINTS_MAX = 12;

export async function runSteps(steps: Step[]): Promise<void> {
  const results: { name: string; outcome: Outcome; seconds: number; complaints: string[] }[] = [];
  for (const [name, command] of steps) {
    process.stdout.write(`\n── ${name}: ${command}\n`);
    const begin = performance.now();
    const { outcome, complaints } = await run(command);
    results.push({ name, outcome, seconds: Math.round((performance.now() - begin) / 1000), complaints });
  }
  process.stdout.write('\n');
  for (const { name, outcome, seconds, complaints } of results) {
    process.stdout.write(`${outcome.padEnd(8)}${name} (${seconds} s)\n`);
    if (outcome === 'FAILED') for (const line of complaints) process.stdout.write(`        ${line}\n`);
  }
  const count = (wanted: Outcome) => results.filter(({ outcome }) => outcome === wanted).length;
  if (count('skipped') > 0) process.stdout.write(`\n${count('skipped')} skipped`);
  process.stdout.write(`\n${count('ok')} passed, ${count('FAILED')} failed\n`);
  process.exitCode = count('FAILED') > 0 ? 1 : 0;
}

/** @returns how it ended, and the first few lines of its output that complain; the last ones if none does */
async function run(command: string): Promise<{ outcome: Outcome; complaints: string[] }> {
  const [program = '', ...args] = command.split(' ');
  const colors = process.stdout.isTTY ? { FORCE_COLOR: '1' } : {};
  const child = spawn(`node_modules/.bin/${program}`, args, {
    stdio: ['inherit', 'pipe', 'pipe'],
    env: { ...process.env, ...colors },
  });
  const complaints = new Set<string>();
  const last: string[] = [];
  const listen = (line: string) => {
    const text = stripVTControlCharacters(line).trim().slice(0, 200);
    if (COMPLAINT.test(text) && complaints.size < COMPLAINTS_MAX) complaints.add(text);
    if (text !== '' && last.push(text) > COMPLAINTS_MAX) last.shift();
  };
  child.stdout.pipe(process.stdout, { end: false });
  child.stderr.pipe(process.stderr, { end: false });
  for (const input of [child.stdout, child.stderr]) createInterface({ input }).on('line', listen);
  const [code] = (await once(child, 'close')) as [number | null];
  const outcome = code === 0 ? 'ok' : code === SKIPPED_EXIT_CODE ? 'skipped' : 'FAILED';
  return { outcome, complaints: complaints.size > 0 ? [...complaints] : last };
}
