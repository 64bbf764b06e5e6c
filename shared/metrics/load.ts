// How much there is to do, and whether one more can be taken: what runs, who waits for the database, how late the event loop is.
import { monitorEventLoopDelay } from 'node:perf_hooks';

/**
 * When there is more than can be done `low` is turned away first, then `normal`, `vital` never. Counted apart: `slow`, which waits for
 * somebody outside, so that a slow payment provider does not close the shop; `batched`, which shares one connection with all of its kind.
 */
export type Priority = 'low' | 'normal' | 'batched' | 'slow' | 'vital';

export type LoadOptions = {
  /** Who waits for a connection now. */
  waiting: () => number;
  /** The connections there are. */
  poolMax: number;
  /** So late on average, and `low` is turned away; 0 looks at what runs only. */
  loopDelayMs: number;
};

/**
 * In connections of the pool. 64 customers at once are no overload for 20 connections. Of what runs, 4.5 for each at most, one has
 * it and the others wait; 4 may wait (database.ts): a place for every second connection is left for what is vital.
 */
const RUNNING_MAX = { low: 2, normal: 3.5, batched: 12, slow: 1 };
const WAITING_MAX = { low: 1, normal: 3, batched: 3, slow: 3 };
/** In multiples of loopDelayMs. */
const DELAY_MAX = { low: 1, normal: 3, batched: 3, slow: 3 };

const RESOLUTION_MS = 10;
const WINDOW_MS = 500;

export class Load {
  private readonly options: LoadOptions;
  private readonly running = { low: 0, normal: 0, batched: 0, slow: 0 };
  private delayMs = 0;

  constructor(options: LoadOptions) {
    this.options = options;
  }

  /** Is there room for one more? */
  takes(priority: Priority): boolean {
    if (priority === 'vital') return true;
    const { waiting, poolMax, loopDelayMs } = this.options;
    const { low, normal, batched, slow } = this.running;
    const running = { low: low + normal, normal: low + normal, batched, slow }[priority];
    if (running >= RUNNING_MAX[priority] * poolMax || waiting() >= WAITING_MAX[priority] * poolMax) return false;
    return loopDelayMs === 0 || this.delayMs < DELAY_MAX[priority] * loopDelayMs;
  }

  /** @returns how to tell its end */
  begin(priority: Priority): () => void {
    if (priority === 'vital') return () => undefined;
    this.running[priority]++;
    return () => void this.running[priority]--;
  }

  /**
   * From now on, that is once the start is over: its own work looked like an overload, and turned the first callers away.
   * The mean, not the 99th percentile: one slow turn is no overload, and every request waits for the average one.
   */
  watchLoop(): void {
    if (this.options.loopDelayMs === 0) return;
    const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
    histogram.enable();
    const look = () => {
      this.delayMs = histogram.count === 0 ? 0 : Math.max(0, histogram.mean / 1e6 - RESOLUTION_MS);
      histogram.reset();
    };
    setInterval(look, WINDOW_MS).unref();
  }
}
