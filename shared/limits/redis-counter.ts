// Hits counted in Redis, for all processes on all machines.
import { createClient } from '@redis/client';
import { z } from 'zod';
import { within } from '../lifecycle/within.ts';
import type { Logger } from '../logging/logger.ts';
import type { HitCounter, Hits } from './hit-counter.ts';

const CONNECT_TIMEOUT_MS = 500;
const ANSWER_TIMEOUT_MS = 200;
/** A connection without a word for so long is dead; a healthy one is asked in between. */
const SILENCE_MS = 2000;
const PING_MS = 800;
const RECONNECT_MAX_MS = 1000;

/** One step, so that no key is left without an end. A key is a window: it ends, and with it the count. */
const HIT = `local count = redis.call('INCR', KEYS[1])
if count == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return { count, redis.call('PTTL', KEYS[1]) }`;

export class RedisCounter implements HitCounter {
  readonly name = 'redis';
  private readonly url: string;
  private readonly logger: Logger;
  private client: Client;
  private isLost = false;

  /** Connects in the background, and again whenever it has to: a process starts and lives without Redis. */
  constructor(url: string, logger: Logger) {
    this.url = url;
    this.logger = logger;
    this.client = this.open();
  }

  async hit(key: string, windowMs: number): Promise<Hits> {
    const { client } = this;
    if (!client.isReady) throw new Error('Redis is not connected');
    try {
      return await within(ANSWER_TIMEOUT_MS, () => ask(client, key, windowMs));
    } catch (error) {
      this.renew(client);
      throw error;
    }
  }

  close(): void {
    this.client.destroy();
  }

  private open(): Client {
    const client = clientOf(this.url);
    client.on('error', (error: unknown) => this.lose(error));
    client.on('ready', () => this.find());
    client.connect().catch((error: unknown) => this.logger.debug({ err: error }, 'Redis: not connected'));
    return client;
  }

  /** Once late, its connection is not trusted any more: a network that swallows packets may keep one half alive for minutes. */
  private renew(late: Client): void {
    if (this.client !== late) return;
    late.destroy();
    this.client = this.open();
  }

  /** Once an outage: it is tried every second. */
  private lose(error: unknown): void {
    if (!this.isLost) this.logger.warn({ err: error }, 'Redis lost; trying again');
    this.isLost = true;
  }

  private find(): void {
    if (this.isLost) this.logger.info('Redis is back');
    this.isLost = false;
  }
}

type Client = ReturnType<typeof clientOf>;

const clientOf = (url: string) =>
  createClient({
    url,
    // Commands do not queue for a Redis that is away: whoever waits for one would wait for it.
    disableOfflineQueue: true,
    disableClientInfo: true,
    commandOptions: { timeout: ANSWER_TIMEOUT_MS },
    pingInterval: PING_MS,
    socket: {
      connectTimeout: CONNECT_TIMEOUT_MS,
      socketTimeout: SILENCE_MS,
      reconnectStrategy: (retries) => Math.min(50 * 2 ** retries, RECONNECT_MAX_MS),
    },
  });

async function ask(client: Client, key: string, windowMs: number): Promise<Hits> {
  const answer = await client.eval(HIT, { keys: [`waybill:hits:${key}`], arguments: [String(Math.ceil(windowMs))] });
  const [count, resetMs] = z.tuple([z.int(), z.int()]).parse(answer);
  return { count, resetMs };
}
