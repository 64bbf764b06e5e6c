// One server that is killed over and over: prepares a case, strikes, restarts, sends the same key twice, and judges.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Phase, Step } from '../kill-switch.ts';
import { findUnrest, findViolations, type Case } from './checks.ts';
import { insist, post, type Answer, type Call } from './client.ts';
import { Stage, type Scenario } from './scenarios.ts';
import { Restarter, Server } from './server.ts';
import { besides, letTimePass, logIn, now, register, sell, untilBuried, type Lane } from './world.ts';

export type Point = { step: Step; phase: Phase };

/** The leases of keys and looks are 30 s, of deliveries 60 s: until then end those that the dead process held, and few that were taken since. */
const LONGEST_LEASE_MS = 60_000;
const DAY_MS = 86_400_000;
/** Longer than a job's lock outlives a process that was killed in the middle of its run (60 s). */
const REST_MS = 90_000;
const DEATH_MS = 3000;
const POLL_MS = 20;
/** In company a step depends on who arrives when: on a busy machine it takes a few. */
const ATTEMPTS_MAX = 10;

type Prepared = { one: Case; call: Call; token: string; requestId: string };

export class Runner {
  private readonly lane: Lane;
  private readonly restarter: Restarter;
  private server: Server;
  /** It lives through every crash, and is asked first afterwards. */
  private readonly neighbour: Server | null;
  private readonly adminToken: string;
  private count = 0;

  private constructor(lane: Lane, restarter: Restarter, server: Server, neighbour: Server | null, adminToken: string) {
    this.lane = lane;
    this.restarter = restarter;
    this.server = server;
    this.neighbour = neighbour;
    this.adminToken = adminToken;
  }

  static async create(lane: Lane, { preloads, isAlone }: { preloads: string[]; isAlone: boolean }): Promise<Runner> {
    const program = { ...lane.program, preloads };
    const restarter = new Restarter(program);
    const server = await restarter.next();
    await register(server.url);
    const neighbour = isAlone ? null : new Server(besides(program));
    await neighbour?.start();
    return new Runner(lane, restarter, server, neighbour, await logIn(server.url, 'admin'));
  }

  async stop(): Promise<void> {
    await Promise.all([this.server.kill(), this.neighbour?.kill(), this.restarter.stop()]);
  }

  /** Unharmed, to count its steps; it is judged like all others. */
  async rehearse(scenario: Scenario): Promise<{ steps: Step[]; violations: string[] }> {
    const { one, call, token, requestId } = await this.prepare(scenario);
    await this.server.arm({ requestId, step: null, phase: 'before' });
    const others = this.sendCompany(one, call, token);
    one.answers.push(await this.insist(this.server.url, call, { token, key: one.key, requestId }, one.startedAt));
    await others;
    await this.untilRest(one, one.startedAt);
    const steps = await this.server.steps();
    return { steps, violations: await this.retryAndJudge(one, call, token, one.startedAt) };
  }

  /** A step that was not reached (a poll came in between) is tried again: only a kill proves something. */
  async strike(scenario: Scenario, point: Point): Promise<string[]> {
    for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
      const { isHit, violations } = await this.strikeOnce(scenario, point);
      if (isHit || violations.length > 0) return violations;
    }
    return [`never reached in ${ATTEMPTS_MAX} attempts`];
  }

  private async strikeOnce(
    scenario: Scenario,
    { step, phase }: Point,
  ): Promise<{ isHit: boolean; violations: string[] }> {
    const { one, call, token, requestId } = await this.prepare(scenario);
    await this.server.arm({ requestId, step, phase });
    const others = this.sendCompany(one, call, token);
    const answer = await post(this.server.url, call, { token, key: one.key, requestId });
    await others;
    if (answer !== null) one.answers.push(answer);
    const isHit = await this.bury();
    const crashedAt = await now(this.lane.sql);
    this.server = await this.restarter.next();
    return { isHit, violations: await this.retryAndJudge(one, call, token, crashedAt) };
  }

  private async prepare(scenario: Scenario): Promise<Prepared> {
    const { url } = this.server;
    const requestId = `crash-${++this.count}`;
    const sku = requestId.toUpperCase();
    await sell(url, this.adminToken, sku);
    const startedAt = await now(this.lane.sql);
    const { adminToken, lane } = this;
    const token = await logIn(url, 'customer');
    const call = await scenario.prepare(new Stage({ url, token, adminToken, sku, note: requestId, sql: lane.sql }));
    const one: Case = {
      outcome: scenario.outcome,
      key: `${requestId}-key`,
      isKeyed: scenario.by !== 'provider',
      sku,
      note: requestId,
      startedAt,
      company: Array.from({ length: scenario.company ?? 0 }, (_, i) => `${requestId}-with-${i}`),
      answers: [],
    };
    return { one, call, token: scenario.by === 'provider' ? '' : await logIn(url, scenario.by), requestId };
  }

  /** The same order of other customers: each has its own key, which is its note, too. */
  private async sendCompany({ company }: Case, call: Call, token: string): Promise<(Answer | null)[]> {
    return Promise.all(company.map((note) => post(this.server.url, noted(call, note), { token, key: note })));
  }

  /** @returns whether it died where it was to; when the step was never reached, it is killed here. */
  private async bury(): Promise<boolean> {
    const isDead = await Promise.race([this.server.exited.then(() => true), sleep(DEATH_MS, false)]);
    if (!isDead) await this.server.kill();
    await untilBuried(this.lane.sql);
    return isDead && this.server.killedAt !== null;
  }

  private async retryAndJudge(one: Case, call: Call, token: string, crashedAt: Date): Promise<string[]> {
    try {
      const askedFirst = this.neighbour ?? this.server;
      for (const [retry, { url }] of [askedFirst, this.server].entries()) {
        const sending = { token, key: one.key, requestId: `${one.note}-retry-${retry + 1}` };
        one.answers.push(await this.insist(url, call, sending, crashedAt));
      }
      for (const note of one.company)
        await this.insist(askedFirst.url, noted(call, note), { token, key: note }, crashedAt);
      const unrest = await this.untilRest(one, crashedAt);
      return [...unrest, ...(await findViolations(this.lane.sql, one))];
    } catch (error) {
      return [String(error), ...this.server.lastWords];
    }
  }

  private insist(
    url: string,
    call: Call,
    sending: { token: string; key: string; requestId?: string },
    crashedAt: Date,
  ): Promise<Answer> {
    return insist(url, call, sending, () => letTimePass(this.lane.sql, leasesEnd(crashedAt)));
  }

  /** Time passes for what the dead process held; after 2 s also for what is planned for later. */
  private async untilRest(one: Case, crashedAt: Date): Promise<string[]> {
    const begin = Date.now();
    for (let hurries = 0; ;) {
      const unrest = await findUnrest(this.lane.sql, one);
      if (unrest.length === 0) return [];
      const waitedMs = Date.now() - begin;
      if (waitedMs > REST_MS) return unrest.map((what) => `stuck: ${what}`);
      if (waitedMs >= hurries * 1000) {
        await letTimePass(this.lane.sql, hurries < 2 ? leasesEnd(crashedAt) : new Date(Date.now() + DAY_MS));
        hurries++;
      }
      await sleep(POLL_MS);
    }
  }
}

const noted = (call: Call, note: string): Call => ({ ...call, body: { ...call.body, note } });

const leasesEnd = (crashedAt: Date): Date => new Date(crashedAt.getTime() + LONGEST_LEASE_MS);
