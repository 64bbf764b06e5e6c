// A failure that a caller is told about: its kind, its stable code, and the facts that help to mend it.

export type ErrorKind =
  | 'malformed'
  | 'unauthenticated'
  | 'declined'
  | 'forbidden'
  | 'not_found'
  | 'method_not_allowed'
  | 'timed_out'
  | 'conflict'
  | 'precondition_failed'
  | 'too_large'
  | 'unsupported_media_type'
  | 'unprocessable'
  | 'precondition_required'
  | 'headers_too_large'
  | 'rate_limited'
  | 'unavailable';

/** One faulty place in the request; `pointer` is a JSON pointer (RFC 6901) into the body, or `/query/…`, `/path/…`, `/header/…`. */
export type Fault = { pointer: string; code: string; message: string; [fact: string]: unknown };

export type ErrorFacts = {
  faults?: Fault[];
  /** Extra members of the problem, e.g. `{ allowed: ['pending_payment'] }` (RFC 9457, section 3.2). */
  facts?: Record<string, unknown>;
  retryAfterSeconds?: number;
  cause?: unknown;
};

export class AppError extends Error {
  override readonly name = 'AppError';
  readonly kind: ErrorKind;
  readonly code: string;
  readonly faults: Fault[] | undefined;
  readonly facts: Record<string, unknown> | undefined;
  readonly retryAfterSeconds: number | undefined;

  constructor(
    kind: ErrorKind,
    code: string,
    detail: string,
    { faults, facts, retryAfterSeconds, cause }: ErrorFacts = {},
  ) {
    super(detail, { cause });
    this.kind = kind;
    this.code = code;
    this.faults = faults;
    this.facts = facts;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

type Thrower = (code: string, detail: string, more?: ErrorFacts) => AppError;

const ofKind =
  (kind: ErrorKind): Thrower =>
  (code, detail, more) =>
    new AppError(kind, code, detail, more);

export const malformed = ofKind('malformed');
export const unauthenticated = ofKind('unauthenticated');
export const declined = ofKind('declined');
export const forbidden = ofKind('forbidden');
export const notFound = ofKind('not_found');
export const conflict = ofKind('conflict');
export const preconditionFailed = ofKind('precondition_failed');
export const preconditionRequired = ofKind('precondition_required');
export const unprocessable = ofKind('unprocessable');
export const unavailable = ofKind('unavailable');
