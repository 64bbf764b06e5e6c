// Variants measured side by side: warmed up, then in every round each of them once, in an order by chance.
import { figureOf, chance, shuffled } from './statistics.ts';
import { nodeMajor, shown, type Bench, type Figure, type Section, type Table } from './bench.ts';
import { cpuMicrosOf } from './cpu.ts';
import { latencyOf, type Load } from './load.ts';

export type Variant = {
  name: string;
  /** The variant that it is held against: its yardstick. */
  against?: string;
  /** Loads it for so long. */
  run: (ms: number) => Promise<Load>;
  /** The process whose CPU time is the server's, with all below it. */
  serverPid?: number;
  /** Likewise the postmaster. */
  databasePid?: number;
};

export type Row = {
  name: string;
  against: string | null;
  perSecond: Figure;
  /** Operations per second in those of the yardstick, round by round. */
  ratio: Figure | null;
  /** CPU time per operation, in microseconds. */
  serverMicros: Figure;
  databaseMicros: Figure;
  p50Ms: Figure;
  p95Ms: Figure;
  p99Ms: Figure;
  failures: Record<string, number>;
  rounds: Round[];
};

export type Round = {
  perSecond: number;
  serverMicros: number;
  databaseMicros: number;
  p50Ms: number;
  p95Ms: number;
  p99Ms: number;
  failures: Record<string, number>;
};

export type Comparison = { title: string; rows: Row[] };

/** @throws when a variant did nothing at all */
export async function compare(bench: Bench, title: string, variants: Variant[]): Promise<Comparison> {
  const random = chance(bench.seed);
  const runs = (bench.rounds + 1) * variants.length;
  const rounds = new Map(variants.map((variant) => [variant, [] as Round[]]));
  let done = 0;
  const tell = ({ name }: Variant) => bench.progress(`${title}: ${name}`, done++ / runs);
  for (const variant of bench.warmUpMs > 0 ? variants : []) {
    tell(variant);
    await variant.run(bench.warmUpMs);
  }
  for (let round = 0; round < bench.rounds; round++)
    for (const variant of shuffled(variants, random)) {
      tell(variant);
      rounds.get(variant)?.push(await runOnce(variant, bench.roundMs));
    }
  const roundsOf = (name: string) => [...rounds].find(([variant]) => variant.name === name)?.[1];
  return { title, rows: [...rounds].map(([variant, own]) => rowOf(variant, own, roundsOf(variant.against ?? ''))) };
}

async function runOnce({ name, run, serverPid, databasePid }: Variant, ms: number): Promise<Round> {
  const before = await Promise.all([usedBy(serverPid), usedBy(databasePid)]);
  const load = await run(ms);
  const after = await Promise.all([usedBy(serverPid), usedBy(databasePid)]);
  if (load.operations === 0) throw new Error(`${name} did nothing: ${JSON.stringify(load.failures)}`);
  return {
    perSecond: (load.operations * 1000) / load.ms,
    serverMicros: (after[0] - before[0]) / load.operations,
    databaseMicros: (after[1] - before[1]) / load.operations,
    p50Ms: latencyOf(load, 0.5),
    p95Ms: latencyOf(load, 0.95),
    p99Ms: latencyOf(load, 0.99),
    failures: load.failures,
  };
}

const usedBy = async (pid: number | undefined): Promise<number> => (pid === undefined ? Number.NaN : cpuMicrosOf(pid));

function rowOf({ name, against }: Variant, rounds: Round[], yardstick: Round[] | undefined): Row {
  const of = (read: (round: Round) => number) => figureOf(rounds.map(read));
  return {
    name,
    against: against ?? null,
    perSecond: of(({ perSecond }) => perSecond),
    ratio: yardstick === undefined ? null : figureOf(rounds.map(({ perSecond }, i) => perSecond / (yardstick[i]?.perSecond ?? Number.NaN))), // prettier-ignore
    serverMicros: of(({ serverMicros }) => serverMicros),
    databaseMicros: of(({ databaseMicros }) => databaseMicros),
    p50Ms: of(({ p50Ms }) => p50Ms),
    p95Ms: of(({ p95Ms }) => p95Ms),
    p99Ms: of(({ p99Ms }) => p99Ms),
    failures: sumOf(rounds.map(({ failures }) => failures)),
    rounds,
  };
}

export function sumOf(tallies: Record<string, number>[]): Record<string, number> {
  const sum: Record<string, number> = {};
  for (const tally of tallies) for (const [what, count] of Object.entries(tally)) sum[what] = (sum[what] ?? 0) + count;
  return sum;
}

export function rowNamed({ title, rows }: Comparison, name: string): Row {
  const row = rows.find((one) => one.name === name);
  if (row === undefined) throw new Error(`${title}: there is no ${name}`);
  return row;
}

/** The median over the rounds of one variant's value in that of another in the same round. */
export function ratioOf(comparison: Comparison, name: string, other: string, read: (round: Round) => number): number {
  const others = rowNamed(comparison, other).rounds;
  const ratios = rowNamed(comparison, name).rounds.map((round, i) => read(round) / read(others[i] as Round));
  return figureOf(ratios).median;
}

/** A table for each comparison, and one chart of all of them. */
const speed = { unit: 'operations per second', of: ({ perSecond }: Row): Figure => perSecond };
/** For what runs at a given pace. */
export const slowest = { unit: '99th percentile, milliseconds', of: ({ p99Ms }: Row): Figure => p99Ms };

export function sectionOf(title: string, slug: string, comparisons: Comparison[], { unit, of } = speed): Section {
  const groups = comparisons.map(({ title, rows }) => ({ title, bars: rows.map((row) => ({ label: row.name, ...of(row) })) })); // prettier-ignore
  return { title, slug, tables: comparisons.map(tableOf), chart: { unit, groups } };
}

const head = ['', 'operations/s', 'min–max', 'ratio', 'min–max', 'server CPU µs', 'database CPU µs', 'p50 ms', 'p95 ms', 'p99 ms', 'failed']; // prettier-ignore

function tableOf({ title, rows }: Comparison): Table {
  return { title: `${title}, Node ${nodeMajor}`, head, rows: rows.map(cellsOf) };
}

const cellsOf = ({ name, perSecond, ratio, serverMicros, databaseMicros, p50Ms, p95Ms, p99Ms, failures }: Row): string[] => [
  name, shown(perSecond.median), spanOf(perSecond), ratio === null ? '' : shown(ratio.median), ratio === null ? '' : spanOf(ratio),
  ...[serverMicros, databaseMicros, p50Ms, p95Ms, p99Ms].map(({ median }) => shown(median)), toldOf(failures),
]; // prettier-ignore

const spanOf = ({ min, max }: Figure): string => `${shown(min)}–${shown(max)}`;

export const toldOf = (failures: Record<string, number>): string =>
  Object.entries(failures)
    .map(([what, count]) => `${count} × ${what}`)
    .join(', ');
