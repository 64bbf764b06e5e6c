// The crash matrix: kills the server at every SQL statement and provider call of an order's steps, and looks what is left.
import { parseArgs } from 'node:util';
import { findRemains } from './crash/checks.ts';
import { choosePoints } from './crash/points.ts';
import { Runner, type Point } from './crash/runner.ts';
import { scenarios, type Scenario } from './crash/scenarios.ts';
import { createWorld, type World } from './crash/world.ts';
import type { Step } from './kill-switch.ts';

const USAGE = `npm run crash -- [--short] [--processes 2] [--only <part of a scenario's name>] [--seed-bug <bug>]

  --processes 2   a second server lives through every crash, and is asked first afterwards
  --short         one kill for each durable step instead of every statement, three ways
  --seed-bug      plants a bug that must be found: key-after-commit, charge-without-key, refund-without-key
`;
const bugs = ['key-after-commit', 'charge-without-key', 'refund-without-key'];
/** A restart keeps one core busy, and most machines have two. */
const LANES = 2;

const flags = readFlags();
const say = (line: string) => process.stdout.write(`${process.stdout.isTTY ? '\r\x1b[2K' : ''}${line}\n`);

const passed = await main();
say(passed ? 'PASS' : 'FAIL');
process.exit(passed ? 0 : 1);

function readFlags() {
  const { values } = parseArgs({
    options: {
      short: { type: 'boolean', default: false },
      processes: { type: 'string', default: '1' },
      only: { type: 'string', default: '' },
      'seed-bug': { type: 'string' },
      help: { type: 'boolean' },
    },
  });
  const bug = values['seed-bug'];
  const isKnown = (bug === undefined || bugs.includes(bug)) && ['1', '2'].includes(values.processes);
  if (values.help !== true && isKnown)
    return { isShort: values.short, isAlone: values.processes === '1', only: values.only, bug };
  process.stderr.write(USAGE);
  return process.exit(values.help === true ? 0 : 2);
}

async function main(): Promise<boolean> {
  const begin = Date.now();
  const world = await createWorld(LANES);
  // The servers die with this process, PostgreSQL is stopped.
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => void world.stop().finally(() => process.exit(1)));
  try {
    const { kills, violations } = await strikeAll(world);
    say(`\n${kills} kills, ${violations} violations, ${Math.round((Date.now() - begin) / 1000)} s`);
    return kills > 0 && violations === 0;
  } finally {
    await world.stop();
  }
}

async function strikeAll(world: World): Promise<{ kills: number; violations: number }> {
  const preloads = ['./chaos/kill-switch.js', ...(flags.bug === undefined ? [] : [`./chaos/bugs/${flags.bug}.js`])];
  const runners = await Promise.all(
    world.lanes.map((lane) => Runner.create(lane, { preloads, isAlone: flags.isAlone })),
  );
  const rows: Row[] = [];
  for (const scenario of scenarios.filter(({ name }) => name.includes(flags.only)))
    rows.push(await rehearse(runners[0], scenario));
  say('scenario             statements  calls  kills  violations');
  await Promise.all(runners.map((runner) => work(runner, rows)));
  await Promise.all(runners.map((runner) => runner.stop()));
  const remains = (await Promise.all(world.lanes.map(({ sql }) => findRemains(sql)))).flat();
  for (const remain of remains) say(`  left behind: ${remain}`);
  const sum = (count: (row: Row) => number) => rows.reduce((total, row) => total + count(row), 0);
  return { kills: sum(({ kills }) => kills), violations: sum(({ violations }) => violations.length) + remains.length };
}

type Row = {
  scenario: Scenario;
  steps: Step[];
  waiting: Point[];
  underWay: number;
  kills: number;
  violations: string[];
};

async function rehearse(runner: Runner | undefined, scenario: Scenario): Promise<Row> {
  if (runner === undefined) throw new Error('there is no lane');
  const { steps, violations } = await runner.rehearse(scenario);
  const unharmed = violations.length > 0 ? [[`${scenario.name}, unharmed`, ...violations].join('\n      ')] : [];
  return { scenario, steps, waiting: choosePoints(steps, flags.isShort), underWay: 0, kills: 0, violations: unharmed };
}

/** Each lane takes the next point of all; whoever ends a scenario tells how it went. */
async function work(runner: Runner, rows: Row[]): Promise<void> {
  for (const row of rows) {
    for (let point = row.waiting.shift(); point !== undefined; point = row.waiting.shift()) {
      row.underWay++;
      const violations = await runner.strike(row.scenario, point);
      row.underWay--;
      row.kills++;
      if (violations.length > 0) row.violations.push([nameOf(row, point), ...violations].join('\n      '));
      showProgress(row);
      if (row.waiting.length === 0 && row.underWay === 0) sayRow(row);
    }
  }
}

function nameOf({ scenario }: Row, { phase, step }: Point): string {
  return `${scenario.name}, ${phase} ${step.text.slice(0, 100)} (${step.nth})`;
}

function showProgress({ scenario, kills, waiting, underWay }: Row): void {
  if (process.stdout.isTTY)
    process.stdout.write(`\r\x1b[2K${scenario.name}: ${kills} of ${kills + waiting.length + underWay}`);
}

function sayRow({ scenario, steps, kills, violations }: Row): void {
  const calls = steps.filter(({ kind }) => kind === 'call').length;
  const numbers = [[steps.length - calls, 10], [calls, 6], [kills, 6], [violations.length, 11]] as const; // prettier-ignore
  say([scenario.name.padEnd(20), ...numbers.map(([number, width]) => String(number).padStart(width))].join(' '));
  for (const violation of violations) say(`    ${violation}`);
}
