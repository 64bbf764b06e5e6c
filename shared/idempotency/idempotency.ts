// Idempotency for services: an effect and the answer it gave are committed together, and a retry gets that answer.
import type { Connection, Database, Transaction } from '../database/database.ts';
import type { MigrationSource } from '../database/migrate.ts';
import { AppError, conflict, unprocessable, type ErrorKind, type Fault } from '../errors/app-error.ts';
import { currentRequestId } from '../logging/request-context.ts';
import type { IdempotencyKey } from './idempotency-key.ts';

export const idempotencyMigrations: MigrationSource = {
  schema: 'idempotency',
  directory: new URL('./migrations/', import.meta.url),
};

/** What a service answers: plain JSON, as it is stored. */
export type Outcome<Result> = { result: Result; replayed: boolean };

/** A refusal as it is stored: enough to be told again word for word. */
type Refusal = {
  kind: ErrorKind;
  code: string;
  detail: string;
  faults?: Fault[] | undefined;
  facts?: Record<string, unknown> | undefined;
  requestId?: string | undefined;
};
export type StoredOutcome<Result> = { result: Result } | { refusal: Refusal };

/** What a claim of the database found: see idempotency.claim in migrations/0001_keys.sql. */
export type Claim = {
  state: 'new' | 'replay' | 'reused' | 'in_progress' | 'resume';
  outcome: StoredOutcome<unknown> | null;
  resource_id: string | null;
};

/** Refusals that a retry would meet again; all others may pass, so they are not stored. */
const storedKinds: readonly ErrorKind[] = ['declined', 'conflict', 'unprocessable'];

type UnderWay = { fingerprint: string; ended: Promise<unknown>; requestId: string | undefined };

export class Idempotency {
  readonly ttlMs: number;
  private readonly underWay = new Map<string, UnderWay>();

  constructor({ ttlMs }: { ttlMs: number }) {
    this.ttlMs = ttlMs;
  }

  /**
   * Runs `work` once per key: its effect and its result commit together; a retry gets the stored result or refusal.
   * @throws conflict `idempotency_in_progress` (a twin in another process), unprocessable `idempotency_key_reused`.
   */
  run<Result>(
    database: Database,
    key: IdempotencyKey,
    work: (tx: Transaction) => Promise<Result>,
  ): Promise<Outcome<Result>> {
    return this.alone(key, () =>
      this.orRememberRefusal(database, key, () =>
        database.transaction(async (tx) => {
          const earlier = replayOf<Result>(await this.claim(tx, key));
          if (earlier !== null) return earlier;
          const result = await work(tx);
          await this.remember(tx, key, { result });
          return { result, replayed: false };
        }),
      ),
    );
  }

  /** Twins in one process wait for the first and get its answer, instead of spinning on 409. */
  async alone<Result>(key: IdempotencyKey, work: () => Promise<Outcome<Result>>): Promise<Outcome<Result>> {
    const name = `${key.scope} ${key.key}`;
    for (let twin = this.underWay.get(name); twin !== undefined; twin = this.underWay.get(name)) {
      if (twin.fingerprint === key.fingerprint) return sameAnswer<Result>(twin);
      await twin.ended.catch(() => undefined);
    }
    const ended = work();
    this.underWay.set(name, { fingerprint: key.fingerprint, ended, requestId: currentRequestId() });
    try {
      return await ended;
    } finally {
      this.underWay.delete(name);
    }
  }

  /** Stores a refusal that a retry would meet again; when another process was faster, its answer is the answer. */
  async orRememberRefusal<Result>(
    database: Database,
    key: IdempotencyKey,
    work: () => Promise<Outcome<Result>>,
  ): Promise<Outcome<Result>> {
    try {
      return await work();
    } catch (error) {
      if (!isStorable(error)) throw error;
      const earlier = await database.transaction(async (tx) => {
        const found = replayOf<Result>(await this.claim(tx, key));
        if (found === null) await this.remember(tx, key, refusalOf(error));
        return found;
      });
      if (earlier !== null) return earlier;
      throw error;
    }
  }

  async claim(tx: Connection, { scope, key, fingerprint }: IdempotencyKey): Promise<Claim> {
    const { rows } = await tx.query<Claim>('SELECT state, outcome, resource_id FROM idempotency.claim($1, $2, $3)', [
      scope,
      key,
      fingerprint,
    ]);
    const [claim] = rows;
    if (claim === undefined) throw new Error('idempotency.claim answered no row');
    return claim;
  }

  /** In the transaction of the effect. */
  async remember(
    tx: Connection,
    { scope, key, fingerprint }: IdempotencyKey,
    outcome: StoredOutcome<unknown>,
  ): Promise<void> {
    const values = [scope, key, fingerprint, JSON.stringify(outcome), this.ttlMs];
    await tx.query('SELECT idempotency.remember($1, $2, $3, $4, $5)', values);
  }

  /** For effects outside the database: the key is ours for `leaseMs`, and names what it makes so that a retry can resume it. */
  async lease(
    tx: Connection,
    { scope, key, fingerprint }: IdempotencyKey,
    resourceId: string,
    leaseMs: number,
  ): Promise<void> {
    const values = [scope, key, fingerprint, resourceId, leaseMs, this.ttlMs];
    await tx.query('SELECT idempotency.lease($1, $2, $3, $4, $5, $6)', values);
  }

  /** Removes expired keys in small batches; by their place, so that one which is claimed anew meanwhile stays. @returns how many. */
  async purge(database: Database): Promise<number> {
    const { rowCount } = await database.query(
      `DELETE FROM idempotency.keys WHERE ctid = ANY (ARRAY(
         SELECT ctid FROM idempotency.keys WHERE expires_at < now() ORDER BY expires_at LIMIT 1000))`,
    );
    return rowCount;
  }
}

/**
 * The stored answer of a claim, or null when there is work to do ('new', or 'resume' after a crash).
 * @throws the stored refusal; conflict `idempotency_in_progress`; unprocessable `idempotency_key_reused`
 */
export function replayOf<Result>({ state, outcome }: Pick<Claim, 'state' | 'outcome'>): Outcome<Result> | null {
  if (state === 'in_progress') throw inProgress();
  if (state === 'reused') throw reused();
  if (state !== 'replay' || outcome === null) return null;
  if ('refusal' in outcome) throw new ReplayedRefusal(outcome.refusal);
  return { result: outcome.result as Result, replayed: true };
}

export const isStorable = (error: unknown): error is AppError =>
  error instanceof AppError &&
  !(error instanceof ReplayedRefusal) &&
  storedKinds.includes(error.kind) &&
  !error.code.startsWith('idempotency_');

export function refusalOf({ kind, code, message, faults, facts }: AppError): { refusal: Refusal } {
  return { refusal: { kind, code, detail: message, faults, facts, requestId: currentRequestId() } };
}

/** A refusal told again: the first answer word for word, its request id included. */
export class ReplayedRefusal extends AppError {
  readonly requestId: string | undefined;

  constructor({ kind, code, detail, faults, facts, requestId }: Refusal) {
    super(kind, code, detail, { ...(faults && { faults }), ...(facts && { facts }) });
    this.requestId = requestId;
  }
}

/** What the first of two twins is told, the second is told as a replay; what is not stored is thrown as it is. */
async function sameAnswer<Result>({ ended, requestId }: UnderWay): Promise<Outcome<Result>> {
  try {
    const { result } = (await ended) as Outcome<Result>;
    return { result, replayed: true };
  } catch (error) {
    throw isStorable(error) ? new ReplayedRefusal({ ...refusalOf(error).refusal, requestId }) : error;
  }
}

const inProgress = () =>
  conflict('idempotency_in_progress', 'A request with this Idempotency-Key is being worked on.', {
    retryAfterSeconds: 1,
  });

const reused = () => unprocessable('idempotency_key_reused', 'This Idempotency-Key was used with another request.');
