// Tells systemd how this process is: ready, alive, stopping.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Supervision } from '../config/supervision.ts';
import type { Logger } from '../logging/logger.ts';

type State = 'READY=1' | 'WATCHDOG=1' | 'STOPPING=1';
type Tell = (state: State) => Promise<unknown>;

/** systemd-notify waits up to 5 s until it was understood. */
const TELL_TIMEOUT_MS = 6000;

/** Node knows no datagram sockets of the Unix kind, so a child says it: the unit needs `NotifyAccess=all`. */
const tellByChild: Tell = (state) => promisify(execFile)('systemd-notify', [state], { timeout: TELL_TIMEOUT_MS });

export class Systemd {
  private readonly supervision: Supervision;
  private readonly logger: Logger;
  private readonly tell: Tell;

  constructor(supervision: Supervision, logger: Logger, tell: Tell = tellByChild) {
    this.supervision = supervision;
    this.logger = logger;
    this.tell = tell;
  }

  /** From now on we give signs of life. Rejects when it cannot be told: the start would run into its time-out anyway. */
  async ready(): Promise<void> {
    const { isNotified, watchdogMs } = this.supervision;
    if (!isNotified) return;
    await this.tell('READY=1');
    // A timer fires only while the event loop turns: a process that is blocked says nothing. Half, as sd_watchdog_enabled(3) asks.
    if (watchdogMs !== null) setInterval(() => this.giveSign(), watchdogMs / 2).unref();
  }

  /** The signs of life go on: who gets stuck while stopping is not to be waited for, either. */
  async stopping(): Promise<void> {
    if (this.supervision.isNotified) await this.tell('STOPPING=1');
  }

  /** One that is missed is no disaster: the next comes in time. */
  private giveSign(): void {
    this.tell('WATCHDOG=1').catch((error: unknown) => this.logger.warn({ err: error }, 'no sign of life was given'));
  }
}
