// Hears what other processes have changed (NOTIFY), on a connection of its own, and knows when it does not.
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { within } from '../lifecycle/within.ts';
import type { Logger } from '../logging/logger.ts';

/** Payload: the name of a cache and the key in it, a space between. */
const CHANNEL = 'waybill_changes';
/** A connection may die without a word: it is asked so often, and has so long to answer, that it is known within a second. */
const PULSE_MS = 500;
const PULSE_TIMEOUT_MS = 400;
const RECONNECT_MS = 250;

export type Hearer = {
  /** Every change from now on is told; none before. */
  hear: () => void;
  /** Changes may be missed from now on. */
  deafen: () => void;
  forget: (cache: string, key: string) => void;
};

type Options = { connectionString: string; hearer: Hearer; logger: Logger };

export class ChangeListener {
  private readonly options: Options;
  private readonly stopped = new AbortController();
  private running: Promise<void> = Promise.resolve();
  private isLost = false;

  /** @param options.connectionString past a pooler: LISTEN gets nothing through one */
  constructor(options: Options) {
    this.options = options;
  }

  /** In the background: a process starts and lives without it. */
  start(): void {
    this.running = this.keepListening();
  }

  async stop(): Promise<void> {
    this.stopped.abort();
    await this.running;
  }

  private async keepListening(): Promise<void> {
    const { signal } = this.stopped;
    while (!signal.aborted) {
      await this.listen().catch((error: unknown) => this.lose(error));
      this.options.hearer.deafen();
      await sleep(RECONNECT_MS, undefined, { signal }).catch(() => undefined); // stopped
    }
  }

  /** Resolves when it is stopped, rejects when the connection is of no use any more. */
  private async listen(): Promise<void> {
    const { connectionString } = this.options;
    const client = new pg.Client({
      connectionString,
      application_name: 'waybill-changes',
      connectionTimeoutMillis: 1500,
      query_timeout: 2000,
    });
    const lost = once(client, 'end').then(() => Promise.reject(new Error('the connection ended')));
    // Either is heard by whoever waits below; before that, connect() tells the same.
    lost.catch(() => undefined);
    client.on('error', () => undefined);
    client.on('notification', ({ payload = '' }) => this.tell(payload));
    try {
      await client.connect();
      await client.query(`LISTEN ${CHANNEL}`);
      this.find();
      await Promise.race([lost, this.feelPulse(client)]);
    } finally {
      // A frozen server does not say goodbye.
      await within(PULSE_TIMEOUT_MS, () => client.end()).catch(() => client.connection.stream.destroy());
    }
  }

  private async feelPulse(client: pg.Client): Promise<void> {
    const { signal } = this.stopped;
    while (!signal.aborted) {
      await within(PULSE_TIMEOUT_MS, () => client.query('SELECT 1'));
      await sleep(PULSE_MS, undefined, { signal }).catch(() => undefined); // stopped
    }
  }

  private tell(payload: string): void {
    const [cache = '', key = ''] = payload.split(' ');
    this.options.hearer.forget(cache, key);
  }

  private find(): void {
    this.options.hearer.hear();
    if (this.isLost) this.options.logger.info('changes of other processes are heard again');
    this.isLost = false;
  }

  /** Once an outage. */
  private lose(error: unknown): void {
    if (!this.isLost)
      this.options.logger.warn({ err: error }, 'changes of other processes are not heard; trying again');
    this.isLost = true;
  }
}
