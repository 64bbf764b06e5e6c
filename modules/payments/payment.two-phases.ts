// An idempotent request that asks the provider half-way: begin in one transaction, ask outside of any, finish in another.
import type { Database, Transaction } from '../../shared/database/database.ts';
import { AppError } from '../../shared/errors/app-error.ts';
import type { IdempotencyKey } from '../../shared/idempotency/idempotency-key.ts';
import {
  isStorable,
  refusalOf,
  replayOf,
  type Idempotency,
  type Outcome,
} from '../../shared/idempotency/idempotency.ts';
import type { ProviderState } from './provider.ts';

/** `Row` is what the key makes or moves: a payment or a refund. */
type Phases<Row, View> = {
  /** `resumedId`: the row of an earlier try with this key that did not come to its end. Locks its payment. Throws to refuse. */
  begin: (tx: Transaction, resumedId: string | null) => Promise<Row>;
  ask: (row: Row, isResumed: boolean) => Promise<ProviderState>;
  /** Locks the payment first. A refusal is returned, not thrown: what was learnt is committed with it. */
  finish: (tx: Transaction, row: Row, state: ProviderState) => Promise<View | AppError>;
};

type Identified = { id: string };
type Begun<Row> = { begun: { row: Row; isResumed: boolean } };
type Deps = { database: Database; idempotency: Idempotency; leaseMs: number };

export class TwoPhases {
  private readonly database: Database;
  private readonly idempotency: Idempotency;
  private readonly leaseMs: number;

  constructor({ database, idempotency, leaseMs }: Deps) {
    this.database = database;
    this.idempotency = idempotency;
    this.leaseMs = leaseMs;
  }

  /** A process that dies in between leaves a lease; after it the same key goes on with the same row. */
  run<Row extends Identified, View extends object>(
    key: IdempotencyKey,
    phases: Phases<Row, View>,
  ): Promise<Outcome<View>> {
    return this.idempotency.alone(key, async () => {
      const { result, replayed } = await this.begin(key, phases);
      if (!('begun' in result)) return { result, replayed };
      const { row, isResumed } = result.begun;
      const state = await phases.ask(row, isResumed);
      return this.finish(key, phases, row, state);
    });
  }

  private begin<Row extends Identified, View extends object>(
    key: IdempotencyKey,
    { begin }: Phases<Row, View>,
  ): Promise<Outcome<Begun<Row> | View>> {
    return this.idempotency.orRememberRefusal(this.database, key, () =>
      this.database.transaction<Outcome<Begun<Row> | View>>(async (tx) => {
        const claim = await this.idempotency.claim(tx, key);
        const earlier = replayOf<View>(claim);
        if (earlier !== null) return earlier;
        const isResumed = claim.state === 'resume';
        const row = await begin(tx, isResumed ? claim.resource_id : null);
        // A resumed row's payment is locked by now: the try we gave up on may have come to its end while we waited.
        const ended = isResumed ? replayOf<View>(await this.idempotency.claim(tx, key)) : null;
        if (ended !== null) return ended;
        await this.idempotency.lease(tx, key, row.id, this.leaseMs);
        return { result: { begun: { row, isResumed } }, replayed: false };
      }),
    );
  }

  private async finish<Row extends Identified, View extends object>(
    key: IdempotencyKey,
    { finish }: Phases<Row, View>,
    row: Row,
    state: ProviderState,
  ): Promise<Outcome<View>> {
    const { answer, claim } = await this.database.transaction(async (tx) => {
      const answer = await finish(tx, row, state);
      // Ours again, or answered by a twin elsewhere that took over when our lease ran out.
      const claim = await this.idempotency.claim(tx, key);
      if (claim.state !== 'replay') await this.keep(tx, key, row.id, answer);
      return { answer, claim };
    });
    const earlier = claim.state === 'replay' ? replayOf<View>(claim) : null;
    if (earlier !== null) return earlier;
    if (answer instanceof AppError) throw answer;
    return { result: answer, replayed: false };
  }

  /** What may pass is not stored: the key is free at once to go on with the same row. */
  private async keep(tx: Transaction, key: IdempotencyKey, rowId: string, answer: unknown): Promise<void> {
    if (!(answer instanceof AppError)) await this.idempotency.remember(tx, key, { result: answer });
    else if (isStorable(answer)) await this.idempotency.remember(tx, key, refusalOf(answer));
    else await this.idempotency.lease(tx, key, rowId, 0);
  }
}
