// What is recorded of a deed: who did what to which thing, and how it was before and after.
import type { Actor } from '../http/actor.ts';

export type AuditEntry = {
  /** Null: nobody we know, as in a failed login, or the system itself. */
  actor: Pick<Actor, 'kind' | 'userId' | 'role'> | null;
  /** Past tense, `noun.verb`: `product.updated`. */
  action: string;
  subject: { type: string; id: string | null };
  /** As presented; secrets and personal data are blacked out before they are stored. */
  before?: object | undefined;
  after?: object | undefined;
};

/** What modules ask of the audit trail. */
export type Audit = {
  /** In the caller's transaction: a deed and its entry commit together. A customer's own doings are not recorded, but for `auth.*`. */
  record(tx: { query(text: string, values: unknown[]): Promise<unknown> }, entry: AuditEntry): Promise<void>;
  /** For a statement that records by itself with audit.record(jsonb); null: nothing is to be recorded. */
  prepare(entry: AuditEntry): object | null;
};
