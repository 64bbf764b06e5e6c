// Clients that ask all the time, or so often in a second; who is turned away waits as long as it was told.
import { setTimeout as sleep } from 'node:timers/promises';
import { Connection, headerOf, type Answer } from './connection.ts';
import type { Server } from './servers.ts';
import { quantile } from './statistics.ts';

/** What one run of one variant did. */
export type Load = {
  /** Those that succeeded. */
  operations: number;
  ms: number;
  /** Of those that succeeded, ascending. */
  latenciesMs: Float64Array;
  /** How many of each kind did not: `503 overloaded`, `ECONNRESET`. */
  failures: Record<string, number>;
};

export type HttpLoad = {
  port: number;
  clients: number;
  ms: number;
  /** Ends when so many were asked; never, unless told. */
  operations?: number;
  /** For each client: what makes its next request. */
  requests: (client: number) => () => string;
  /** Of all clients together; without it each asks as soon as it has its answer. */
  perSecond?: number;
};

/** A run of a variant: the server's log is emptied, then it is loaded. */
export const overHttp =
  ({ port, emptyLog }: Pick<Server, 'port' | 'emptyLog'>, how: Omit<HttpLoad, 'port' | 'ms'>) =>
  async (ms: number): Promise<Load> => {
    await emptyLog();
    return loadHttp({ port, ms, ...how });
  };

export async function loadHttp(how: HttpLoad): Promise<Load> {
  const tally = new Tally();
  const begin = performance.now();
  const clock = how.perSecond === undefined ? undefined : new Clock(begin, how.perSecond);
  const until = begin + how.ms;
  await Promise.all(Array.from({ length: how.clients }, (_, i) => visit(how, i, { until, clock, tally })));
  return tally.toLoad(performance.now() - begin);
}

type Visit = { until: number; clock: Clock | undefined; tally: Tally };

async function visit(
  { port, requests, operations = Infinity }: HttpLoad,
  client: number,
  { until, clock, tally }: Visit,
) {
  const next = requests(client);
  let connection = await Connection.open(port);
  while (performance.now() < until && tally.begin() <= operations) {
    const begin = clock === undefined ? performance.now() : await clock.turn();
    const answer = await connection.ask(next()).catch((error: NodeJS.ErrnoException) => tally.fail(error.code ?? error.message)); // prettier-ignore
    if (answer !== undefined && answer.status < 400) {
      tally.succeed(performance.now() - begin);
    } else if (answer !== undefined) {
      tally.fail(failureOf(answer));
      const toldMs = Number(headerOf(answer.head, 'retry-after') ?? 0) * 1000;
      await sleep(Math.max(0, Math.min(toldMs, until - performance.now())));
    }
    if (!connection.isOpen) connection = await Connection.open(port);
  }
  connection.close();
}

/** Turns at even distances. A turn that comes late because nobody was free counts from when it was due, so that waiting is seen. */
class Clock {
  private due: number;
  private readonly everyMs: number;

  constructor(begin: number, perSecond: number) {
    this.due = begin;
    this.everyMs = 1000 / perSecond;
  }

  /** @returns when the time of this turn begins */
  async turn(): Promise<number> {
    const due = this.due;
    this.due += this.everyMs;
    const aheadMs = due - performance.now();
    if (aheadMs <= 0) return due;
    await sleep(aheadMs);
    return performance.now();
  }
}

export class Tally {
  private latenciesMs = new Float64Array(4096);
  private operations = 0;
  private begun = 0;
  private readonly failures: Record<string, number> = {};

  /** @returns how many have begun with this one */
  begin(): number {
    return ++this.begun;
  }

  succeed(ms: number): void {
    if (this.operations === this.latenciesMs.length) {
      const more = new Float64Array(this.operations * 2);
      more.set(this.latenciesMs);
      this.latenciesMs = more;
    }
    this.latenciesMs[this.operations++] = ms;
  }

  fail(how: string): void {
    this.failures[how] = (this.failures[how] ?? 0) + 1;
  }

  toLoad(ms: number): Load {
    const { operations, failures } = this;
    return { operations, ms, latenciesMs: this.latenciesMs.subarray(0, operations).toSorted(), failures };
  }
}

export const latencyOf = ({ latenciesMs }: Load, share: number): number => quantile(latenciesMs, share);

export function failureOf({ status, body }: Pick<Answer, 'status' | 'body'>): string {
  const { code } = /"code":"(?<code>\w+)"/.exec(body.toString())?.groups ?? {};
  return code === undefined ? String(status) : `${status} ${code}`;
}
