// Which failures are worth another try, and after how long.
import { ConnectionError, isProblem, type ProblemError } from './errors.ts';

export type RetryLimits = {
  /** Tries in all, the first included. */
  attemptsMax: number;
  /** Whoever says "later than this" is believed, and the failure is yours. */
  waitMsMax: number;
};
export const defaultLimits: RetryLimits = { attemptsMax: 5, waitMsMax: 30_000 };

const BACK_OFF_MS_MIN = 200;
const BACK_OFF_MS_MAX = 5000;
const REFUSED_BY_A_PROXY = [502, 503, 504];

/** Null when the failure is final. `isRepeatable`: doing it twice does what doing it once does. */
export function waitMsBefore(
  failure: unknown,
  attempt: number,
  isRepeatable: boolean,
  limits: RetryLimits,
): number | null {
  if (attempt >= limits.attemptsMax || !isPassing(failure, isRepeatable)) return null;
  const waitMs = failure.retryAfterMs ?? backOffMs(attempt);
  return waitMs > limits.waitMsMax ? null : waitMs;
}

/** A 429 did nothing. A 503 may be a commit whose answer was lost, so only what is repeatable is sent again. */
function isPassing(failure: unknown, isRepeatable: boolean): failure is ProblemError | ConnectionError {
  if (isProblem(failure) && failure.status === 429) return true;
  if (!isRepeatable) return false;
  if (isProblem(failure)) return failure.status === 503 || failure.code === 'idempotency_in_progress';
  return failure instanceof ConnectionError && (failure.status === null || REFUSED_BY_A_PROXY.includes(failure.status));
}

/** Twice as long each time, and never all at once: 50 to 100 % of it. */
function backOffMs(attempt: number): number {
  const longest = Math.min(BACK_OFF_MS_MIN * 2 ** (attempt - 1), BACK_OFF_MS_MAX);
  return longest * (0.5 + Math.random() / 2);
}

/** RFC 9110: seconds, or a date. */
export function retryAfterMsOf(headers: Headers): number | null {
  const value = headers.get('Retry-After');
  if (value === null) return null;
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Number.isNaN(ms) ? null : Math.max(0, ms);
}

/** Rejects with the signal's reason as soon as it is given. */
export function wait(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason as Error);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, ms);
    if (signal?.aborted) stop();
    else signal?.addEventListener('abort', stop, { once: true });
  });
}
