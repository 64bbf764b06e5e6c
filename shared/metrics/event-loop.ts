// Is the event loop held up? Measured all the time, told in numbers, and as a warning when somebody must have waited.
import { monitorEventLoopDelay, performance, type EventLoopUtilization, type IntervalHistogram } from 'node:perf_hooks';
import type { Logger } from '../logging/logger.ts';
import type { Metrics } from './metrics.ts';

const RESOLUTION_MS = 10;
const WINDOW_MS = 10_000;
const THRESHOLD_MS = 50;

type Options = { logger: Logger; metrics: Metrics; windowMs?: number };

export class EventLoopWatch {
  private readonly logger: Logger;
  private readonly windowMs: number;
  private readonly numbers: ReturnType<typeof numbersIn>;
  private readonly delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  private utilization: EventLoopUtilization = performance.eventLoopUtilization();
  private timer: NodeJS.Timeout | undefined;

  constructor({ logger, metrics, windowMs = WINDOW_MS }: Options) {
    this.logger = logger;
    this.windowMs = windowMs;
    this.numbers = numbersIn(metrics);
  }

  /** Once the start is over: loading the program holds up nobody. */
  start(): void {
    this.delays.enable();
    this.timer = setInterval(() => this.look(), this.windowMs).unref();
  }

  stop(): void {
    clearInterval(this.timer);
    this.delays.disable();
  }

  private look(): void {
    const p99Ms = delayMsOf(this.delays, 0.99);
    const maxMs = Math.max(this.delays.max / 1e6 - RESOLUTION_MS, 0);
    this.numbers.p50.set(delayMsOf(this.delays, 0.5) / 1000);
    this.numbers.p99.set(p99Ms / 1000);
    this.numbers.max.set(maxMs / 1000);
    this.numbers.utilization.set(this.utilizationSinceLastLook());
    this.delays.reset();
    if (p99Ms <= THRESHOLD_MS) return;
    this.numbers.countAlarm({});
    this.logger.warn({ p99Ms: Math.round(p99Ms), maxMs: Math.round(maxMs), windowMs: this.windowMs }, 'event loop held up'); // prettier-ignore
  }

  private utilizationSinceLastLook(): number {
    const before = this.utilization;
    this.utilization = performance.eventLoopUtilization();
    return performance.eventLoopUtilization(this.utilization, before).utilization;
  }
}

/** Over the last window; of several workers the worst, but the mean of what they do. */
const numbersIn = (metrics: Metrics) => ({
  p50: metrics.gauge('nodejs_eventloop_delay_p50_seconds', 'Event-loop delay, median of the last 10 s', 'max'),
  p99: metrics.gauge('nodejs_eventloop_delay_p99_seconds', 'Event-loop delay, 99th percentile of the last 10 s', 'max'),
  max: metrics.gauge('nodejs_eventloop_delay_max_seconds', 'Event-loop delay, longest of the last 10 s', 'max'),
  utilization: metrics.gauge('nodejs_eventloop_utilization_ratio', 'Share of the last 10 s in which the event loop was at work', 'average'), // prettier-ignore
  countAlarm: metrics.counter({ name: 'event_loop_alarms_total', help: 'Windows of 10 s in which the event loop was held up', labels: {} }), // prettier-ignore
});

/**
 * How late something was that came at any moment of the window. A block is one sample, however long it was: counted by samples
 * 200 ms among 960 of 10 ms are beyond every p99 (11 ms was seen), so each sample weighs as much as it lasted.
 */
function delayMsOf(delays: IntervalHistogram, share: number): number {
  const wholeNs = delays.mean * delays.count;
  let heldNs = 0;
  for (let rank = delays.count; rank > 0; rank--) {
    const sampleNs = delays.percentile((100 * rank) / delays.count);
    heldNs += sampleNs;
    if (heldNs >= wholeNs * (1 - share)) return Math.max(sampleNs / 1e6 - RESOLUTION_MS, 0);
  }
  return 0;
}
