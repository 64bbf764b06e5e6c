// The end of a process: what was opened is closed in reverse, each stage with a deadline.
import type { Logger } from '../logging/logger.ts';
import { within } from './within.ts';

type Stage = { name: string; close: () => Promise<unknown> | void };

export class Lifecycle {
  private readonly logger: Logger;
  private readonly timeoutMs: number;
  private readonly stages: Stage[] = [];
  private stopping: Promise<boolean> | null = null;

  /** @param timeoutMs for all stages together */
  constructor({ logger, timeoutMs }: { logger: Logger; timeoutMs: number }) {
    this.logger = logger;
    this.timeoutMs = timeoutMs;
  }

  /** Registers how to undo what was just done. */
  onStop(name: string, close: Stage['close']): void {
    this.stages.push({ name, close });
  }

  get isStopping(): boolean {
    return this.stopping !== null;
  }

  /** @returns whether every stage ended in time; a second call joins the first. */
  stop(): Promise<boolean> {
    this.stopping ??= this.closeInReverse();
    return this.stopping;
  }

  private async closeInReverse(): Promise<boolean> {
    const deadline = performance.now() + this.timeoutMs;
    let isClean = true;
    for (const stage of this.stages.toReversed()) {
      const ended = await this.close(stage, Math.max(deadline - performance.now(), 100));
      isClean &&= ended;
    }
    return isClean;
  }

  private async close({ name, close }: Stage, timeoutMs: number): Promise<boolean> {
    try {
      await within(timeoutMs, async () => close());
      return true;
    } catch (error) {
      this.logger.error({ err: error, stage: name }, 'stage did not stop cleanly');
      return false;
    }
  }
}
