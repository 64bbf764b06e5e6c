// The crash matrix: kills the server at every SQL statement and provider call of placing, paying and cancelling, and looks what is left.
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { findRemains, findUnrest, findViolations, type Case } from './crash/checks.ts';
import { insist, post, type Answer, type Call } from './crash/client.ts';
import { scenarios, Stage, type Scenario } from './crash/scenarios.ts';
import { Restarter, type Server } from './crash/server.ts';
import { createWorld, letTimePass, logIn, now, register, sell, untilBuried, type World } from './crash/world.ts';
import type { Phase, Step } from './kill-switch.ts';

const bugs = ['key-after-commit', 'charge-without-key'];
const phases: Phase[] = ['before', 'during', 'after'];
/** Longer than the leases of keys (30 s), looks (30 s) and deliveries (60 s): those that the dead process held, not those taken since. */
const LONGEST_LEASE_MS = 60_000;
const REST_MS = 15_000;
const POLL_MS = 20;
const ATTEMPTS_MAX = 3;

type Point = { step: Step; phase: Phase };
type Result = { scenario: Scenario; steps: Step[]; points: number; violations: string[] };

const { values: flags } = parseArgs({
  options: { short: { type: 'boolean', default: false }, 'seed-bug': { type: 'string' }, only: { type: 'string', default: '' } },
});
const bug = flags['seed-bug'];
if (bug !== undefined && !bugs.includes(bug)) throw new Error(`--seed-bug is one of ${bugs.join(', ')}`);

class Matrix {
  private readonly world: World;
  private readonly restarter: Restarter;
  private server: Server;
  private adminToken: string;
  private count = 0;

  private constructor(world: World, restarter: Restarter, server: Server, adminToken: string) {
    this.world = world;
    this.restarter = restarter;
    this.server = server;
    this.adminToken = adminToken;
  }

  static async create(world: World): Promise<Matrix> {
    const preloads = ['./chaos/kill-switch.js', ...(bug === undefined ? [] : [`./chaos/bugs/${bug}.js`])];
    const restarter = new Restarter({ ...world.program, preloads });
    const server = await restarter.next();
    await register(server.url);
    return new Matrix(world, restarter, server, await logIn(server.url, 'admin'));
  }

  /** First unharmed, to count its steps; then once for each point. */
  async run(scenario: Scenario): Promise<Result> {
    const unharmed = await this.rehearse(scenario);
    const points = choosePoints(unharmed.steps);
    const violations = unharmed.violations.map((violation) => `${scenario.name}, unharmed: ${violation}`);
    for (const [i, point] of points.entries()) {
      showProgress(`${scenario.name}: ${i + 1}/${points.length}`);
      violations.push(...(await this.strike(scenario, point)));
    }
    return { scenario, steps: unharmed.steps, points: points.length, violations };
  }

  async stop(): Promise<void> {
    await Promise.all([this.server.kill(), this.restarter.stop()]);
  }

  private async rehearse(scenario: Scenario): Promise<{ steps: Step[]; violations: string[] }> {
    const { one, call, token, requestId } = await this.prepare(scenario);
    await this.server.arm({ requestId, n: null, phase: 'before' });
    one.answers.push(await this.insist(call, { token, key: one.key, requestId }, one.startedAt));
    await this.untilRest(one, one.startedAt);
    const steps = await this.server.steps();
    return { steps, violations: await this.retryAndJudge(one, call, token, one.startedAt) };
  }

  /** A step that was not reached (a poll came in between) is tried again: only a kill proves something. */
  private async strike(scenario: Scenario, point: Point): Promise<string[]> {
    const where = `${scenario.name}, ${point.phase} ${point.step.n}: ${point.step.text.slice(0, 90)}`;
    for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
      const { isHit, violations } = await this.strikeOnce(scenario, point);
      if (violations.length > 0) return violations.map((violation) => `${where}\n      ${violation}`);
      if (isHit) return [];
    }
    return [`${where}\n      never reached in ${ATTEMPTS_MAX} attempts`];
  }

  private async strikeOnce(scenario: Scenario, { step, phase }: Point): Promise<{ isHit: boolean; violations: string[] }> {
    const { one, call, token, requestId } = await this.prepare(scenario);
    await this.server.arm({ requestId, n: step.n, phase });
    const answer = await post(this.server.url, call, { token, key: one.key, requestId });
    if (answer !== null) one.answers.push(answer);
    const isHit = await this.bury(step);
    const crashedAt = await now(this.world.sql);
    this.server = await this.restarter.next();
    const violations = await this.retryAndJudge(one, call, token, crashedAt);
    return { isHit, violations };
  }

  private async prepare(scenario: Scenario): Promise<{ one: Case; call: Call; token: string; requestId: string }> {
    const { url } = this.server;
    const requestId = `crash-${++this.count}`;
    const sku = requestId.toUpperCase();
    await sell(url, this.adminToken, sku);
    const one: Case = { outcome: scenario.outcome, key: `${requestId}-key`, sku, note: requestId, startedAt: await now(this.world.sql), answers: [] };
    const call = await scenario.prepare(new Stage({ url, token: await logIn(url, 'customer'), sku, note: requestId }));
    return { one, call, token: await logIn(url, scenario.by), requestId };
  }

  /** @returns whether it died where it was to; when the step was never reached, it is killed here. */
  private async bury(step: Step): Promise<boolean> {
    const isDead = await Promise.race([this.server.exited.then(() => true), sleep(3000, false)]);
    if (!isDead) await this.server.kill();
    await untilBuried(this.world.sql);
    return isDead && this.server.killedAt?.text === step.text;
  }

  private async retryAndJudge(one: Case, call: Call, token: string, crashedAt: Date): Promise<string[]> {
    try {
      for (const retry of [1, 2]) one.answers.push(await this.insist(call, { token, key: one.key, requestId: `${one.note}-retry-${retry}` }, crashedAt));
      const unrest = await this.untilRest(one, crashedAt);
      const violations = await findViolations(this.world.sql, one);
      return [...unrest, ...violations];
    } catch (error) {
      return [String(error), ...this.server.lastWords];
    }
  }

  private insist(call: Call, sending: { token: string; key: string; requestId: string }, crashedAt: Date): Promise<Answer> {
    return insist(this.server.url, call, sending, () => letTimePass(this.world.sql, leasesEnd(crashedAt)));
  }

  /** Time passes for what the dead process held; after 2 s also for what is planned for later. */
  private async untilRest(one: Case, crashedAt: Date): Promise<string[]> {
    const begin = Date.now();
    for (let hurries = 0; ; ) {
      const unrest = await findUnrest(this.world.sql, one);
      if (unrest.length === 0) return [];
      const waitedMs = Date.now() - begin;
      if (waitedMs > REST_MS) return unrest.map((what) => `stuck: ${what}`);
      if (waitedMs >= hurries * 1000) await letTimePass(this.world.sql, leasesEnd(hurries++ < 2 ? crashedAt : new Date(Date.now() + 86_400_000)));
      await sleep(POLL_MS);
    }
  }
}

const leasesEnd = (crashedAt: Date): Date => new Date(crashedAt.getTime() + LONGEST_LEASE_MS);

/** The short list: what changes the durable state at once, sent and not answered. Inside of a transaction a crash is a rollback. */
function choosePoints(steps: Step[]): Point[] {
  if (!flags.short) return steps.flatMap((step) => phasesOf(step).map((phase) => ({ step, phase })));
  return steps.filter((step) => isDurable(step, steps)).map((step) => ({ step, phase: 'during' }));
}

/** The provider plays inside the server: what is during a call are its own statements. */
const phasesOf = ({ kind }: Step): Phase[] => (kind === 'call' ? ['before', 'after'] : phases);

function isDurable({ n, text }: Step, steps: Step[]): boolean {
  if (text.startsWith('COMMIT')) return true;
  const isOutside = steps.slice(0, n).findLast((step) => /^(BEGIN|COMMIT)/.test(step.text))?.text.startsWith('BEGIN') !== true;
  return isOutside && /^(INSERT|UPDATE|DELETE)|orders\.place|events\.claim_due/.test(text);
}

function showProgress(line: string): void {
  if (process.stdout.isTTY) process.stdout.write(`\r\x1b[2K${line}`);
}

const say = (line: string) => process.stdout.write(`${process.stdout.isTTY ? '\r\x1b[2K' : ''}${line}\n`);

function sayResult({ scenario, steps, points, violations }: Result): void {
  const calls = steps.filter(({ kind }) => kind === 'call').length;
  say(`${scenario.name.padEnd(20)} ${String(steps.length - calls).padStart(10)} ${String(calls).padStart(6)} ${String(points).padStart(6)} ${String(violations.length).padStart(10)}`);
}

async function main(): Promise<boolean> {
  const begin = Date.now();
  const world = await createWorld();
  process.once('SIGINT', () => void world.stop().finally(() => process.exit(130)));
  process.once('SIGTERM', () => void world.stop().finally(() => process.exit(143)));
  try {
    const matrix = await Matrix.create(world);
    const results: Result[] = [];
    say(`${'scenario'.padEnd(20)} statements  calls  kills violations`);
    for (const scenario of scenarios.filter(({ name }) => name.includes(flags.only))) {
      const result = await matrix.run(scenario);
      sayResult(result);
      for (const violation of result.violations) say(`    ${violation}`);
      results.push(result);
    }
    await matrix.stop();
    const remains = await findRemains(world.sql);
    for (const remain of remains) say(`    left behind: ${remain}`);
    const kills = results.reduce((sum, { points }) => sum + points, 0);
    const violations = results.reduce((sum, result) => sum + result.violations.length, remains.length);
    say(`\n${kills} kills, ${violations} violations, ${Math.round((Date.now() - begin) / 1000)} s`);
    return violations === 0;
  } finally {
    await world.stop();
  }
}

const passed = await main();
say(passed ? 'PASS' : 'FAIL');
process.exit(passed ? 0 : 1);
