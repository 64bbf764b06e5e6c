// Measures the chosen parts one after the other and writes what it found to bench/results.md: npm run bench
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { build } from '../deploy/drills/support/world.ts';
import { growth } from './growth.ts';
import { memory } from './memory.ts';
import { middleware } from './middleware.ts';
import { mixed } from './mixed.ts';
import { orders } from './orders.ts';
import { profile } from './profile.ts';
import { reads } from './reads.ts';
import { start } from './start.ts';
import type { Bench, Part } from './support/bench.ts';
import { Progress } from './support/progress.ts';
import { barText, keep, resultOf, tableText } from './support/report.ts';

/** In the order in which they are measured. */
const parts: Record<string, Part> = { start, orders, reads, middleware, growth, mixed, memory, profile };

const options = {
  short: { type: 'boolean', default: false },
  rounds: { type: 'string' },
  seconds: { type: 'string' },
  seed: { type: 'string', default: '1' },
  orders: { type: 'string' },
  out: { type: 'string' },
  help: { type: 'boolean' },
} as const;

const USAGE = `npm run bench -- [part …] [--short] [--rounds 5] [--seconds 5] [--seed 1] [--orders 10000000] [--out <folder>]

${Object.entries(parts).map(([name, { about }]) => `  ${name.padEnd(12)}${about}`).join('\n')}

  --short    does it run from start to end? Nothing is kept of it, unless --out says where
  --out      where results/, plots/ and results.md are written; bench/ unless told
`; // prettier-ignore

const signals = ['SIGINT', 'SIGTERM'] as const;
const progress = new Progress();
const say = (line: string) => {
  progress.end();
  process.stdout.write(`${line}\n`);
};
const { chosen, flags } = read();
build();
for (const name of chosen) await measure(name);

function read() {
  const { values: flags, positionals } = parseArgs({ options, allowPositionals: true });
  const isUnknown = positionals.some((name) => parts[name] === undefined);
  if (flags.help !== true && !isUnknown)
    return { flags, chosen: positionals.length > 0 ? positionals : Object.keys(parts) };
  process.stderr.write(USAGE);
  return process.exit(flags.help === true ? 0 : 2);
}

async function measure(name: string): Promise<void> {
  const part = parts[name];
  if (part === undefined) return;
  say(`── ${name}, Node ${process.versions.node}, seed ${flags.seed}`);
  const begin = performance.now();
  const { bench, end } = await begun(name);
  try {
    const findings = await part.measure(bench);
    const result = await resultOf(name, bench, findings, (performance.now() - begin) / 1000);
    for (const { tables } of findings.sections) for (const table of tables) say(`\n${tableText(table)}`);
    say('');
    for (const bar of findings.bars) say(barText(bar));
    const folder = flags.out ?? (flags.short ? bench.folder : 'bench');
    await keep(folder, result);
    say(`${name}: ${result.tookSeconds} s${flags.short ? '' : `, written to ${join(folder, 'results.md')}`}`);
  } finally {
    await end();
  }
}

async function begun(name: string): Promise<{ bench: Bench; end: () => Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), `waybill-bench-${name}-`));
  await chmod(folder, 0o755);
  const undos: (() => Promise<unknown> | void)[] = [() => rm(folder, { recursive: true, force: true })];
  const end = async () => {
    progress.end();
    for (const undo of undos.splice(0).toReversed()) await undo();
    for (const signal of signals) process.off(signal, giveUp);
  };
  const giveUp = () => void end().finally(() => process.exit(1));
  for (const signal of signals) process.once(signal, giveUp);
  const bench: Bench = {
    isShort: flags.short,
    rounds: flags.short ? 1 : Number(flags.rounds ?? 5),
    roundMs: flags.short ? 200 : Number(flags.seconds ?? 5) * 1000,
    warmUpMs: flags.short ? 0 : 2000,
    seed: Number(flags.seed),
    orders: flags.orders === undefined ? null : Number(flags.orders),
    folder,
    say,
    progress: (what, share) => progress.tell(what, share),
    onEnd: (undo) => void undos.push(undo),
  };
  return { bench, end };
}
