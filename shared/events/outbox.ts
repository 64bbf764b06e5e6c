// Recording facts in the caller's transaction, so that a fact is told exactly when its cause was committed.
import type { Transaction } from '../database/database.ts';
import type { MigrationSource } from '../database/migrate.ts';
import { newId } from '../domain/ids.ts';
import { currentRequestId } from '../logging/request-context.ts';
import type { FactType, Payload } from './facts.ts';

export const eventsMigrations: MigrationSource = {
  schema: 'events',
  directory: new URL('./migrations/', import.meta.url),
};

export class Outbox {
  private wakeDispatcher: () => void = () => undefined;

  /** The dispatcher of this process, if it runs one, hears at once; others find the fact by polling. */
  onRecorded(wake: () => void): void {
    this.wakeDispatcher = wake;
  }

  wake(): void {
    this.wakeDispatcher();
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
    tx.afterCommit(() => this.wake());
  }
}
