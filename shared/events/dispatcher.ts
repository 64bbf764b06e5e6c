// Delivers recorded facts to subscribers: at least once, per aggregate in order, from any number of processes.
import type { Database } from '../database/database.ts';
import { codeOf } from '../database/database-errors.ts';
import { AppError } from '../errors/app-error.ts';
import type { Logger } from '../logging/logger.ts';
import { withRequestContext } from '../logging/request-context.ts';
import type { Count, Metrics } from '../metrics/metrics.ts';
import { ATTEMPTS_MAX, backOffMs } from './back-off.ts';
import { facts, type FactType, type Payload } from './facts.ts';

export type Fact<Type extends FactType = FactType> = {
  id: string;
  type: Type;
  occurredAt: Date;
  payload: Payload<Type>;
};

/** `subscriber` is stable: it names the deliveries in the database. A hearer expects repeats. */
export type Subscription = { subscriber: string; type: FactType; hear: (fact: Fact<never>) => Promise<void> };

export const subscription = <Type extends FactType>(
  subscriber: string,
  type: Type,
  hear: (fact: Fact<Type>) => Promise<void>,
): Subscription => ({ subscriber, type, hear });

type Delivery = {
  event_id: string;
  subscriber: string;
  attempts: number;
  type: FactType;
  payload: unknown;
  request_id: string | null;
  occurred_at: Date;
};

type Options = {
  database: Database;
  subscriptions: Subscription[];
  logger: Logger;
  metrics: Metrics;
  pollMs: number;
};

const BATCH_MAX = 20;
/** Longer than any hearer's work (a provider call takes at most 10 s): after it another process may try. */
const LEASE_MS = 60_000;

export class Dispatcher {
  private readonly options: Options;
  private readonly count: Count<'subscriber' | 'result'>;
  private readonly stopped = new AbortController();
  private running: Promise<void> | null = null;
  private wakeUp: () => void = () => undefined;

  constructor(options: Options) {
    this.options = options;
    this.count = options.metrics.counter({
      name: 'event_deliveries_total',
      help: 'Attempts to deliver a fact, by subscriber and result',
      labels: {
        subscriber: [...new Set(options.subscriptions.map(({ subscriber }) => subscriber))],
        result: ['delivered', 'failed', 'dead'],
      },
    });
  }

  /** Makes the subscriptions known to `events.record`; before the first request is served. */
  async announce(): Promise<void> {
    const { database, subscriptions } = this.options;
    const values = [subscriptions.map(({ subscriber }) => subscriber), subscriptions.map(({ type }) => type)];
    await database.query(
      `INSERT INTO events.subscriptions (subscriber, type) SELECT * FROM unnest($1::text[], $2::text[]) ON CONFLICT DO NOTHING`,
      values,
    );
    await database.query(
      `DELETE FROM events.subscriptions WHERE (subscriber, type) NOT IN (SELECT * FROM unnest($1::text[], $2::text[]))`,
      values,
    );
  }

  start(): void {
    this.running = this.loop();
  }

  /** What is under way is finished. */
  async stop(): Promise<void> {
    this.stopped.abort();
    this.wakeUp();
    await this.running;
  }

  /** To look at once; not for a fact that nobody hears. */
  wake(type: FactType): void {
    if (this.options.subscriptions.some((one) => one.type === type)) this.wakeUp();
  }

  /** Delivers all that is due. @returns how many deliveries were tried. */
  async drain(): Promise<number> {
    let total = 0;
    for (let tried = await this.deliverBatch(); tried > 0; tried = await this.deliverBatch()) {
      total += tried;
      if (this.stopped.signal.aborted) break;
    }
    return total;
  }

  private async loop(): Promise<void> {
    while (!this.stopped.signal.aborted) {
      // Made before looking, so that a fact recorded while we look is not slept over.
      const woken = this.nextWake();
      await this.drain().catch((error: unknown) =>
        this.options.logger.warn({ err: error }, 'event dispatch failed; trying again'),
      );
      await woken;
    }
  }

  private nextWake(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, this.options.pollMs);
      this.wakeUp = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  private async deliverBatch(): Promise<number> {
    const { rows } = await this.options.database.query<Delivery>(
      'SELECT event_id, subscriber, attempts, type, payload, request_id, occurred_at FROM events.claim_due($1, $2)',
      [BATCH_MAX, LEASE_MS],
    );
    await Promise.all(rows.map((delivery) => this.deliver(delivery)));
    return rows.length;
  }

  private deliver(delivery: Delivery): Promise<void> {
    const requestId = delivery.request_id ?? `event-${delivery.event_id}`;
    return withRequestContext({ requestId }, async () => {
      try {
        await this.hear(delivery);
        await this.settle(delivery, 'delivered', 0, null);
        this.tellDelivered(delivery);
      } catch (error) {
        await this.settleFailure(delivery, error);
      }
    });
  }

  private tellDelivered({ event_id: eventId, subscriber, type, attempts }: Delivery): void {
    this.count({ subscriber, result: 'delivered' });
    this.options.logger.debug({ eventId, subscriber, type, attempts }, 'delivered');
  }

  private async hear({ event_id, subscriber, type, payload, occurred_at }: Delivery): Promise<void> {
    const hearer = this.options.subscriptions.find((one) => one.subscriber === subscriber && one.type === type);
    if (hearer === undefined) throw new Error(`nobody here hears ${type} for ${subscriber}`);
    // The schema of the type found in the row, so the hearer's own payload type.
    const fact = { id: event_id, type, occurredAt: occurred_at, payload: facts[type].parse(payload) } as Fact<never>;
    await hearer.hear(fact);
  }

  private async settleFailure(delivery: Delivery, error: unknown): Promise<void> {
    const { event_id: eventId, subscriber, type, attempts } = delivery;
    const isDead = attempts >= ATTEMPTS_MAX;
    this.count({ subscriber, result: isDead ? 'dead' : 'failed' });
    this.options.logger[isDead ? 'error' : 'warn'](
      { err: error, eventId, subscriber, type, attempts },
      isDead ? 'delivery is dead' : 'delivery failed',
    );
    await this.settle(delivery, isDead ? 'dead' : 'pending', backOffMs(attempts, Math.random()), reasonOf(error));
  }

  /**
   * Fenced by the attempt alone: a slow hearer whose lease ran out does not settle its successor's delivery. `status = 'pending'` would
   * invite the index of what waits, which the statistics take for empty: after an outage it was read whole for each delivery.
   */
  private async settle(
    { event_id, subscriber, attempts }: Delivery,
    status: string,
    waitMs: number,
    lastError: string | null,
  ): Promise<void> {
    await this.options.database.query(
      `UPDATE events.deliveries
       SET status = $4, next_at = now() + $5 * interval '1 ms', last_error = $6, delivered_at = CASE WHEN $4 = 'delivered' THEN now() END
       WHERE event_id = $1 AND subscriber = $2 AND attempts = $3`,
      [event_id, subscriber, attempts, status, waitMs, lastError],
    );
  }
}

/** Kept in the row for operators: codes only, a message may carry a customer's values. */
const reasonOf = (error: unknown): string =>
  error instanceof AppError ? error.code : codeOf(error) || (error instanceof Error ? error.name : 'unknown');

/**
 * Removes what was delivered more than a week ago, in small batches, and the facts that nobody waits for.
 * @returns how many of both: most facts are heard by nobody, so there can be much to do where nothing was delivered.
 */
export async function purgeDelivered(database: Database): Promise<number> {
  const deliveries = await database.query(
    `DELETE FROM events.deliveries WHERE ctid = ANY (ARRAY(
       SELECT ctid FROM events.deliveries
       WHERE status = 'delivered' AND delivered_at < now() - interval '7 days' ORDER BY delivered_at LIMIT 1000))`,
  );
  // OFFSET 0: fact by fact by the key of deliveries, of which a join would read all.
  const facts = await database.query(
    `DELETE FROM events.outbox WHERE ctid = ANY (ARRAY(
       SELECT o.ctid FROM events.outbox o WHERE o.occurred_at < now() - interval '7 days'
         AND NOT EXISTS (SELECT FROM events.deliveries d WHERE d.event_id = o.id OFFSET 0) ORDER BY o.occurred_at LIMIT 1000))`,
  );
  return deliveries.rowCount + facts.rowCount;
}
