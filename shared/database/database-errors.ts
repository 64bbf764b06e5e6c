// What an error of the driver or of PostgreSQL means to the caller: try again later, run again, or a defect of ours.
import { AppError, unavailable } from '../errors/app-error.ts';

/** SQLSTATE classes after which the connection, or the whole server, is of no use: 08 connection, 57P admin shutdown, 53 resources. */
const brokenStates = /^(08...|57P0[1-5]|53...)$/;
/** Cancelled by statement_timeout, lock_timeout or idle_in_transaction_session_timeout; read-only while a standby is promoted. */
const busyStates = /^(57014|55P03|25P03|25006)$/;
const LOCK_NOT_AVAILABLE = '55P03';
const retryableStates = /^(40001|40P01)$/;
const brokenSystemCodes =
  /^(ECONNREFUSED|ECONNRESET|EPIPE|ENOENT|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|EACCES)$/;
const brokenMessages =
  /Query read timeout|Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error|Connection ended|not queryable|pool after calling end/i;

export function codeOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : '';
}

export function isBrokenConnection(error: unknown): error is Error {
  if (!(error instanceof Error) || error instanceof AppError) return false;
  const code = codeOf(error);
  return brokenStates.test(code) || brokenSystemCodes.test(code) || brokenMessages.test(error.message);
}

/**
 * Nobody's own fault, but the database's: what was not tried yet would fare no better. A lock that somebody holds too long is a matter of
 * those who want it, as a deadlock is.
 */
export function isOutage(error: unknown): boolean {
  if (!(error instanceof AppError) || error.kind !== 'unavailable') return false;
  return codeOf(error.cause) !== LOCK_NOT_AVAILABLE && !isRetryable(error);
}

export const isRetryable = (error: unknown): boolean =>
  retryableStates.test(codeOf(error instanceof AppError ? error.cause : error));

/** Anything that waiting can mend becomes 503; the rest stays what it is. */
export function asAppError(error: unknown): unknown {
  const code = codeOf(error);
  if (isBrokenConnection(error) || busyStates.test(code) || retryableStates.test(code)) {
    return unavailable('database_unavailable', 'The database cannot answer just now.', {
      retryAfterSeconds: 1,
      cause: error,
    });
  }
  return error;
}
