// What was measured, kept as JSON by part and version of Node.js, drawn as SVG, and told in results.md, which is made from all that is kept.
import { execFileSync } from 'node:child_process';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus, totalmem, type as systemType, release } from 'node:os';
import { join } from 'node:path';
import { locatePackage } from '../../shared/database/embedded-binaries.ts';
import { buildOfCheckout } from '../../shared/lifecycle/build.ts';
import { nodeMajor, type Bar, type Bench, type Findings, type Section, type Table } from './bench.ts';
import { plotOf } from './plot.ts';

export type Result = Findings & {
  part: string;
  node: string;
  postgres: string;
  /** With a + when something was changed since. */
  commit: string;
  at: string;
  machine: string;
  seed: number;
  rounds: number;
  roundMs: number;
  tookSeconds: number;
};

export async function resultOf(part: string, bench: Bench, findings: Findings, tookSeconds: number): Promise<Result> {
  const { seed, rounds, roundMs } = bench;
  return {
    part,
    node: process.versions.node,
    postgres: await postgresVersion(),
    commit: await commitOf(),
    at: new Date().toISOString().slice(0, 16).replace('T', ' '),
    machine: machineOf(),
    seed,
    rounds,
    roundMs,
    tookSeconds: Math.round(tookSeconds),
    ...findings,
  };
}

function machineOf(): string {
  const gigabytes = Math.round(totalmem() / 2 ** 30);
  return `${availableParallelism()} cores, ${gigabytes} GB, ${cpus()[0]?.model ?? 'unknown CPU'}, ${systemType()} ${release()}`;
}

/** Of the binaries that come along: `18.4.0-beta.17` is PostgreSQL 18.4. */
async function postgresVersion(): Promise<string> {
  const { version } = JSON.parse(await readFile(join(locatePackage(), 'package.json'), 'utf8')) as { version: string };
  return version.split('.', 2).join('.');
}

async function commitOf(): Promise<string> {
  const { commit } = await buildOfCheckout();
  const isChanged = commit !== 'unknown' && execFileSync('git', ['status', '--porcelain', '--untracked-files=no'], { encoding: 'utf8' }) !== ''; // prettier-ignore
  return `${commit}${isChanged ? '+' : ''}`;
}

/** @param folder where results/, plots/ and results.md are */
export async function keep(folder: string, result: Result): Promise<void> {
  for (const below of ['results', 'plots']) await mkdir(join(folder, below), { recursive: true });
  const name = `${result.part}-node${nodeMajor}.json`;
  await writeFile(join(folder, 'results', name), `${JSON.stringify(result, null, 1)}\n`);
  for (const { title, slug, chart } of result.sections)
    if (chart !== undefined) await writeFile(join(folder, plotPath(slug, result.node)), plotOf(`${title}, Node ${nodeMajor}`, chart)); // prettier-ignore
  await writeFile(join(folder, 'results.md'), render(await readKept(folder)));
}

const plotPath = (slug: string, node: string): string => `plots/${slug}-node${node.split('.', 1)[0]}.svg`;

/** Parts by name, the newest Node.js first. */
async function readKept(folder: string): Promise<Result[]> {
  const names = (await readdir(join(folder, 'results'))).filter((name) => name.endsWith('.json'));
  const all = await Promise.all(names.map((name) => readFile(join(folder, 'results', name), 'utf8')));
  const results = all.map((text) => JSON.parse(text) as Result);
  return results.toSorted((one, other) => one.part.localeCompare(other.part) || Number.parseInt(other.node, 10) - Number.parseInt(one.node, 10)); // prettier-ignore
}

function render(results: Result[]): string {
  return `${[
    '# What the bench has measured',
    'Made by `npm run bench`; [docs/performance.md](../docs/performance.md) says what it means. Every figure is the median of several rounds, in which all variants of a table were measured in turn, in an order by chance. A ratio is taken within each round, to the yardstick of its table. Times are those of one machine: compare ratios.',
    '## The bars',
    markdown(['Node', 'what', 'bar', 'measured', ''], results.flatMap((result) => result.bars.map((bar) => barCells(result, bar)))),
    'What limits those that are not met, or only just: [what stands in the way](../docs/performance.md#what-stands-in-the-way), and the profiles below.',
    '## Where and when',
    markdown(
      ['part', 'Node', 'PostgreSQL', 'commit', 'when (UTC)', 'machine', 'rounds', 'seed', 'took'],
      results.map((one) => [one.part, one.node, one.postgres, one.commit, one.at, one.machine, `${one.rounds} × ${one.roundMs / 1000} s`, String(one.seed), `${one.tookSeconds} s`]),
    ),
    ...results.map(renderPart),
  ].join('\n\n')}\n`; // prettier-ignore
}

const barCells = ({ node }: Result, { what, bar, measured, isMet }: Bar): string[] => [
  node.split('.', 1)[0] ?? '',
  what,
  bar,
  measured,
  isMet === null ? '' : isMet ? 'met' : '**not met**',
];

function renderPart(result: Result): string {
  const { part, node, sections, notes = [] } = result;
  return [
    `## ${part}, Node ${node.split('.', 1)[0]}`,
    ...notes,
    ...sections.map((one) => renderSection(one, node)),
  ].join('\n\n');
}

function renderSection({ title, slug, tables, chart }: Section, node: string): string {
  const plot = chart === undefined ? [] : [`![${title}](${plotPath(slug, node)})`];
  return [`### ${title}`, ...plot, ...tables.flatMap((one) => [`**${one.title}**`, markdown(one.head, one.rows)])].join(
    '\n\n',
  );
}

function markdown(head: string[], rows: string[][]): string {
  const line = (cells: string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map((_, i) => (i === 0 ? '---' : '--:'))), ...rows.map(line)].join('\n');
}

/** For a terminal. */
export function tableText({ title, head, rows }: Table): string {
  const widths = head.map((_, i) => Math.max(...[head, ...rows].map((cells) => cells[i]?.length ?? 0)));
  const line = (cells: string[]) => cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join('  ').trimEnd(); // prettier-ignore
  return [title, ...[head, ...rows].map((cells) => `  ${line(cells)}`)].join('\n');
}

export function barText({ what, bar, measured, isMet }: Bar): string {
  return `${isMet === null ? 'told   ' : isMet ? 'met    ' : 'NOT MET'}  ${what}: ${measured} (${bar})`;
}
