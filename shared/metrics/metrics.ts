// What operators see in numbers: Prometheus metrics of this process, in a registry of its own.
import type { RequestHandler } from 'express';
import type { Pool } from 'pg';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry, type Aggregator } from 'prom-client';
import { Readings, type Reading } from './readings.ts';

/** One more of what these labels say; for what a transaction does, after its commit. */
export type Count<Label extends string> = (labels: Record<Label, string>) => void;

/** prom-client's own include the 10 ms at which they sample, and never forget their worst; ours are in event-loop.ts. */
const misleading = ['', '_min', '_max', '_mean', '_stddev', '_p50', '_p90', '_p99'].map((what) => `nodejs_eventloop_lag${what}_seconds`); // prettier-ignore

/** Errors that an alert looks for: they begin at 0, or the first of them would be no rise. */
const alarming = [
  { status: '500', code: 'internal_error' },
  { status: '503', code: 'database_unavailable' },
  { status: '503', code: 'overloaded' },
];

export class Metrics {
  /** Of this process. Those of all workers become one: sums, unless the metric names another aggregator. */
  readonly registry = new Registry();
  private readonly readings: Readings;
  private readonly requestDuration = new Histogram({
    name: 'http_server_request_duration_seconds',
    help: 'Time from the first byte of a request to the last of its answer, by route pattern',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
    registers: [this.registry],
  });
  private readonly errors = new Counter({
    name: 'http_server_errors_total',
    help: 'Answers that are a problem, by status and error code',
    labelNames: ['status', 'code'],
    registers: [this.registry],
  });
  private readonly cacheRequests = new Counter({
    name: 'cache_requests_total',
    help: 'Looks into a cache, by whether what was asked for was there',
    labelNames: ['cache', 'result'],
    registers: [this.registry],
    collect: () => this.newLooks.forEach((tell) => tell()),
  });
  private readonly newLooks: (() => void)[] = [];

  readonly countShed = this.counter({
    name: 'http_requests_shed_total',
    help: 'Requests turned away because there was more to do than could be done, by priority',
    labels: { priority: ['low', 'normal', 'batched', 'slow'] },
  });

  private readonly failures = new Counter({
    name: 'metrics_readings_failed_total',
    help: 'Looks into the database for metrics that failed, so that these are missing',
    labelNames: ['of'],
    registers: [this.registry],
  });

  /** The numbers of this process, or of all workers of a cluster. */
  ofProcesses: () => Promise<string> = () => this.registry.metrics();

  /** @param freshMs for so long what the database said is not asked for again */
  constructor({ freshMs = 5000 }: { freshMs?: number } = {}) {
    for (const error of alarming) this.errors.inc(error, 0);
    this.readings = new Readings({ freshMs, onFailed: (of) => this.failures.inc({ of }) });
  }

  /** The exposition format. What the database says is the same whichever process asks, so only the one that is asked does. */
  async text(): Promise<string> {
    return (await Promise.all([this.ofProcesses(), this.readings.text()])).join('\n');
  }

  /** Memory, CPU, garbage collection, handles, and what is running; once in a process. */
  observeProcess(build: { version: string; commit: string }): void {
    collectDefaultMetrics({ register: this.registry });
    for (const name of misleading) this.registry.removeSingleMetric(name);
    this.gauge('waybill_processes', 'Processes whose numbers these are').set(1);
    const labelNames = ['version', 'commit'];
    new Gauge({ name: 'waybill_build_info', help: 'Always 1: version and commit of the build', labelNames, aggregator: 'first', registers: [this.registry] }).set(build, 1); // prettier-ignore
  }

  /** `labels`: each with the values known beforehand; their series begin at 0, so that the first step is seen. */
  counter<Label extends string>({ name, help, labels }: CounterOptions<Label>): Count<Label> {
    const counter = new Counter({ name, help, labelNames: Object.keys(labels), registers: [this.registry] });
    for (const known of combinationsOf(labels)) counter.inc(known, 0);
    return (of) => counter.inc(of);
  }

  /** For whoever remembers things: call it with each look, of which a request has several. Told when somebody asks for the numbers. */
  cacheCounter(cache: string): (isHit: boolean) => void {
    const looks = { hit: 0, miss: 0 };
    this.newLooks.push(() => {
      for (const result of ['hit', 'miss'] as const) this.cacheRequests.inc({ cache, result }, looks[result]);
      Object.assign(looks, { hit: 0, miss: 0 });
    });
    return (isHit) => void looks[isHit ? 'hit' : 'miss']++;
  }

  gauge(name: string, help: string, aggregator: Aggregator = 'sum'): Gauge {
    return new Gauge({ name, help, aggregator, registers: [this.registry] });
  }

  /** Numbers that only the database knows, from the module that owns the tables. */
  observe(readings: Reading[]): void {
    for (const reading of readings) {
      this.failures.inc({ of: reading.of }, 0);
      this.readings.add(reading);
    }
  }

  /** The pattern, never the path: ids would make a series each. */
  timeRequests(): RequestHandler {
    return (request, response, next) => {
      const stop = this.requestDuration.startTimer();
      response.once('close', () => {
        const { route } = request as { route?: { path?: string } };
        const pattern = route?.path === undefined ? 'none' : `${request.baseUrl}${route.path}`;
        const status = String(response.statusCode);
        stop({ method: request.method, route: pattern, status });
        const code = response.locals.problemCode;
        if (code !== undefined) this.errors.inc({ status, code });
      });
      next();
    };
  }

  observePool(pool: Pool): void {
    const gauge = (name: string, help: string, read: () => number) =>
      new Gauge({ name, help, registers: [this.registry], collect() { this.set(read()); } }); // prettier-ignore
    gauge('db_pool_max', 'Connections that the pool may open', () => pool.options.max);
    gauge('db_pool_connections', 'Connections open', () => pool.totalCount);
    gauge('db_pool_in_use', 'Connections at work', () => pool.totalCount - pool.idleCount);
    gauge('db_pool_waiting', 'Callers that wait for a connection', () => pool.waitingCount);
  }
}

type CounterOptions<Label extends string> = { name: string; help: string; labels: Record<Label, readonly string[]> };

function combinationsOf(labels: Record<string, readonly string[]>): Record<string, string>[] {
  return Object.entries(labels).reduce<Record<string, string>[]>(
    (combinations, [label, values]) =>
      combinations.flatMap((one) => values.map((value) => ({ ...one, [label]: value }))),
    [{}],
  );
}
