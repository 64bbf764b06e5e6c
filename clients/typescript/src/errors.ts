// How a call fails: the API answered with a problem, or nothing that can be read came back.
import type { ProblemCode } from './api.ts';

export type FieldProblem = { pointer: string; code: string; message: string; [fact: string]: unknown };
/** RFC 9457, and what the API adds to it. */
export type Problem = {
  type: string;
  title: string;
  status: number;
  detail?: string;
  instance: string;
  code: ProblemCode;
  requestId: string;
  errors?: FieldProblem[];
  [fact: string]: unknown;
};

export class WaybillError extends Error {
  override name = 'WaybillError';
  /** The key that was sent. To try the same intent again later, pass it as `idempotencyKey`. */
  readonly idempotencyKey: string | null;

  constructor(message: string, idempotencyKey: string | null, options?: ErrorOptions) {
    super(message, options);
    this.idempotencyKey = idempotencyKey;
  }
}

/** The API refused, and says why. */
export class ProblemError<Code extends ProblemCode = ProblemCode> extends WaybillError {
  override name = 'ProblemError';
  readonly code: Code;
  readonly status: number;
  readonly errors: FieldProblem[];
  readonly requestId: string;
  /** All that was sent: some codes bring facts, such as `allowed` or `available`. */
  readonly problem: Problem;
  readonly retryAfterMs: number | null;

  constructor(problem: Problem, retryAfterMs: number | null, idempotencyKey: string | null) {
    super(`${problem.code}: ${problem.detail ?? problem.title}`, idempotencyKey);
    this.code = problem.code as Code;
    this.status = problem.status;
    this.errors = problem.errors ?? [];
    this.requestId = problem.requestId;
    this.problem = problem;
    this.retryAfterMs = retryAfterMs;
  }
}

/** No answer, or one that is not the API's (a proxy's page): whether something was done is not known. */
export class ConnectionError extends WaybillError {
  override name = 'ConnectionError';
  readonly status: number | null;
  readonly retryAfterMs: number | null;

  constructor(message: string, { idempotencyKey, status = null, retryAfterMs = null, cause }: ConnectionFailure) {
    super(message, idempotencyKey, { cause });
    this.status = status;
    this.retryAfterMs = retryAfterMs;
  }
}
type ConnectionFailure = {
  idempotencyKey: string | null;
  status?: number | null;
  retryAfterMs?: number | null;
  cause?: unknown;
};

/** `if (isProblem(error, 'price_changed')) …` */
export const isProblem = <Code extends ProblemCode>(error: unknown, ...codes: Code[]): error is ProblemError<Code> =>
  error instanceof ProblemError && (codes.length === 0 || (codes as string[]).includes(error.code));
