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
import type { PaymentRow } from './payment.repository.ts';
import type { PaymentView } from './payment.view.ts';
import type { ProviderState } from './provider.ts';

type Phases = {
  /** `resumedId`: the payment of an earlier try with this key that did not come to its end. Throws to refuse. */
  begin: (tx: Transaction, resumedId: string | null) => Promise<PaymentRow>;
  ask: (payment: PaymentRow, isResumed: boolean) => Promise<ProviderState>;
  /** Locks the payment first. A refusal is returned, not thrown: what was learnt is committed with it. */
  finish: (tx: Transaction, payment: PaymentRow, state: ProviderState) => Promise<PaymentView | AppError>;
};

type Begun = { begun: { payment: PaymentRow; isResumed: boolean } };
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

  /** A process that dies in between leaves a lease; after it the same key goes on with the same payment. */
  run(key: IdempotencyKey, phases: Phases): Promise<Outcome<PaymentView>> {
    return this.idempotency.alone(key, async () => {
      const { result, replayed } = await this.begin(key, phases);
      if (!('begun' in result)) return { result, replayed };
      const { payment, isResumed } = result.begun;
      const state = await phases.ask(payment, isResumed);
      return this.finish(key, phases, payment, state);
    });
  }

  private begin(key: IdempotencyKey, { begin }: Phases): Promise<Outcome<Begun | PaymentView>> {
    return this.idempotency.orRememberRefusal(this.database, key, () =>
      this.database.transaction<Outcome<Begun | PaymentView>>(async (tx) => {
        const claim = await this.idempotency.claim(tx, key);
        const earlier = replayOf<PaymentView>(claim);
        if (earlier !== null) return earlier;
        const isResumed = claim.state === 'resume';
        const payment = await begin(tx, isResumed ? claim.resource_id : null);
        // A resumed payment is locked by now: the try we gave up on may have come to its end while we waited.
        const ended = isResumed ? replayOf<PaymentView>(await this.idempotency.claim(tx, key)) : null;
        if (ended !== null) return ended;
        await this.idempotency.lease(tx, key, payment.id, this.leaseMs);
        return { result: { begun: { payment, isResumed } }, replayed: false };
      }),
    );
  }

  private async finish(
    key: IdempotencyKey,
    { finish }: Phases,
    payment: PaymentRow,
    state: ProviderState,
  ): Promise<Outcome<PaymentView>> {
    const { answer, claim } = await this.database.transaction(async (tx) => {
      const answer = await finish(tx, payment, state);
      // Ours again, or answered by a twin elsewhere that took over when our lease ran out.
      const claim = await this.idempotency.claim(tx, key);
      if (claim.state !== 'replay') await this.keep(tx, key, payment, answer);
      return { answer, claim };
    });
    const earlier = claim.state === 'replay' ? replayOf<PaymentView>(claim) : null;
    if (earlier !== null) return earlier;
    if (answer instanceof AppError) throw answer;
    return { result: answer, replayed: false };
  }

  /** What may pass is not stored: the key is free at once to go on with the same payment. */
  private async keep(tx: Transaction, key: IdempotencyKey, payment: PaymentRow, answer: unknown): Promise<void> {
    if (!(answer instanceof AppError)) await this.idempotency.remember(tx, key, { result: answer });
    else if (isStorable(answer)) await this.idempotency.remember(tx, key, refusalOf(answer));
    else await this.idempotency.lease(tx, key, payment.id, 0);
  }
}
