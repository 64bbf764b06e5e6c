// Numbers that only the database knows: looked for when somebody asks for the metrics, not too often and never for long.
import { setTimeout as sleep } from 'node:timers/promises';
import { Gauge, Registry } from 'prom-client';

/** What one room or module reads of its own tables, in one statement that stays cheap however much there is. */
export type Reading = {
  /** Whose it is, told when it fails. */
  of: string;
  gauges: Record<string, { help: string; labels?: string[] }>;
  /** What it does not name is absent from the metrics. */
  read: () => Promise<Sample[]>;
};
export type Sample = { name: string; labels?: Record<string, string>; value: number };

/** A scrape does not wait longer for a slow database: the rest matters most just then. */
const PATIENCE_MS = 1000;

type Options = { freshMs: number; onFailed: (of: string) => void };

export class Readings {
  private readonly registry = new Registry();
  private readonly refreshes: (() => Promise<void>)[] = [];
  private readonly options: Options;

  constructor(options: Options) {
    this.options = options;
  }

  add(reading: Reading): void {
    const gauges = new Map(Object.entries(reading.gauges).map(([name, { help, labels = [] }]) => [name, this.gauge(name, help, labels)])); // prettier-ignore
    this.refreshes.push(atMostEvery(this.options.freshMs, () => this.refresh(reading, gauges)));
  }

  async text(): Promise<string> {
    await Promise.race([Promise.all(this.refreshes.map((refresh) => refresh())), sleep(PATIENCE_MS, undefined, { ref: false })]); // prettier-ignore
    return this.registry.metrics();
  }

  private gauge(name: string, help: string, labelNames: string[]): Gauge {
    const gauge = new Gauge({ name, help, labelNames, registers: [this.registry] });
    clear(gauge);
    return gauge;
  }

  /** A number that could not be read is missing, rather than old. */
  private async refresh({ of, read }: Reading, gauges: Map<string, Gauge>): Promise<void> {
    try {
      const samples = await read();
      for (const gauge of gauges.values()) clear(gauge);
      for (const { name, labels = {}, value } of samples) gauges.get(name)?.set(labels, value);
    } catch {
      for (const gauge of gauges.values()) clear(gauge);
      this.options.onFailed(of);
    }
  }
}

/** reset() leaves a gauge without labels at 0, which would be a statement. */
function clear(gauge: Gauge): void {
  gauge.reset();
  gauge.remove({});
}

/** Callers that come meanwhile, or soon after, share one run. */
function atMostEvery(intervalMs: number, work: () => Promise<void>): () => Promise<void> {
  let latest = Promise.resolve();
  let nextAt = 0;
  return () => {
    if (performance.now() < nextAt) return latest;
    nextAt = Infinity;
    const begunAt = performance.now();
    latest = work().finally(() => (nextAt = begunAt + intervalMs));
    return latest;
  };
}
