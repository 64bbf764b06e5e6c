// Recording facts in the caller's transaction, so that a fact is told exactly when its cause was committed.
import type { Transaction } from '../database/database.ts';
import type { MigrationSource } from '../database/migrate.ts';
import { newId } from '../domain/ids.ts';
import { currentRequestId } from '../logging/request-context.ts';
import type { Count, Metrics } from '../metrics/metrics.ts';
import { facts, type FactType, type Payload } from './facts.ts';

export const eventsMigrations: MigrationSource = {
  schema: 'events',
  directory: new URL('./migrations/', import.meta.url),
};

export class Outbox {
  private readonly count: Count<'type'>;
  private wakeDispatcher: (type: FactType) => void = () => undefined;

  constructor(metrics: Metrics) {
    this.count = metrics.counter({
      name: 'facts_recorded_total',
      help: 'Facts recorded and committed, by type: what became of orders and payments',
      labels: { type: Object.keys(facts) },
    });
  }

  /** The dispatcher of this process, if it runs one, hears at once; others find the fact by polling. */
  onRecorded(wake: (type: FactType) => void): void {
    this.wakeDispatcher = wake;
  }

  /** Once a fact is committed; for those that a SQL function recorded, by hand. */
  recorded(type: FactType): void {
    this.count({ type });
    this.wakeDispatcher(type);
  }

  /** `aggregateId`: facts about one aggregate are heard in the order in which they were recorded. */
  async record<Type extends FactType>(
    tx: Transaction,
    type: Type,
    aggregateId: string,
    payload: Payload<Type>,
  ): Promise<void> {
    const values = [newId(), type, aggregateId, JSON.stringify(payload), currentRequestId() ?? null];
    await tx.query('SELECT events.record($1, $2, $3, $4, $5)', values);
    tx.afterCommit(() => this.recorded(type));
  }
}
