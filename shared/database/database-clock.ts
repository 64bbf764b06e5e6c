// What time it is for the database, without asking it each time: its last word, and how long ago that was by the monotonic clock.
import type { Logger } from '../logging/logger.ts';
import type { Connection } from './database.ts';

/** A machine that slept has missed some time on its monotonic clock. */
const ASK_AGAIN_MS = 60_000;

/** Processes whose own clocks are wrong, or are set while they run, agree on it. */
export class DatabaseClock {
  private readonly connection: Connection;
  private readonly logger: Logger;
  private timer: NodeJS.Timeout | undefined;
  private aheadMs = 0;

  constructor(connection: Connection, logger: Logger) {
    this.connection = connection;
    this.logger = logger;
  }

  /** Asks for the first time, and from then on every minute. */
  async start(): Promise<void> {
    await this.ask();
    const askAgain = () =>
      void this.ask().catch((error: unknown) =>
        this.logger.debug({ err: error }, 'the time is the last that was told'),
      );
    this.timer = setInterval(askAgain, ASK_AGAIN_MS).unref();
  }

  stop(): void {
    clearInterval(this.timer);
  }

  /** Milliseconds since 1970. */
  readonly now = (): number => performance.now() + this.aheadMs;

  /** It said so somewhere between question and answer: in the middle (Cristian, "Probabilistic clock synchronization", 1989). */
  private async ask(): Promise<void> {
    const asked = performance.now();
    const { rows } = await this.connection.query<{ ms: number }>(
      'SELECT (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS ms',
    );
    const [row] = rows;
    if (row !== undefined) this.aheadMs = row.ms - (asked + performance.now()) / 2;
  }
}
