// How much more there is than can be done: who waits for the database, and how late the event loop is.
import { monitorEventLoopDelay } from 'node:perf_hooks';

/** `busy`: what can wait should. `overloaded`: nothing but what must not fail. */
export type Level = 'calm' | 'busy' | 'overloaded';

export type LoadOptions = {
  /** Who waits for a connection now. */
  waiting: () => number;
  /** The connections there are: as many waiting are busy, twice as many overloaded. The pool itself turns away at four times as many. */
  poolMax: number;
  /** As late on average is busy, three times as late overloaded; 0 looks at the pool only. */
  loopDelayMs: number;
};

const RESOLUTION_MS = 10;
const WINDOW_MS = 500;
const OVERLOADED_WAITING = 2;
const OVERLOADED_DELAY = 3;

export class Load {
  private readonly options: LoadOptions;
  private delayMs = 0;

  constructor(options: LoadOptions) {
    this.options = options;
  }

  get level(): Level {
    const { waiting, poolMax, loopDelayMs } = this.options;
    const queue = waiting() / poolMax;
    const delay = loopDelayMs === 0 ? 0 : this.delayMs / loopDelayMs;
    if (queue >= OVERLOADED_WAITING || delay >= OVERLOADED_DELAY) return 'overloaded';
    return queue >= 1 || delay >= 1 ? 'busy' : 'calm';
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
