// Problems (RFC 9457): the one shape of every error that leaves the house.
import type { AppError, ErrorKind, Fault } from '../errors/app-error.ts';

export const PROBLEM_TYPE = 'application/problem+json';

export const statusOf: Record<ErrorKind, number> = {
  malformed: 400,
  unauthenticated: 401,
  declined: 402,
  forbidden: 403,
  not_found: 404,
  method_not_allowed: 405,
  timed_out: 408,
  conflict: 409,
  precondition_failed: 412,
  too_large: 413,
  unsupported_media_type: 415,
  unprocessable: 422,
  precondition_required: 428,
  rate_limited: 429,
  headers_too_large: 431,
  unavailable: 503,
};

export type Problem = {
  type: string;
  title: string;
  status: number;
  detail?: string;
  instance: string;
  code: string;
  requestId: string;
  errors?: Fault[];
  [fact: string]: unknown;
};

type Occurrence = { instance: string; requestId: string };

export function problemOf({ kind, code, message, faults, facts }: AppError, occurrence: Occurrence): Problem {
  return { ...problem(statusOf[kind], code, occurrence), detail: message, ...(faults && { errors: faults }), ...facts };
}

/** A defect of ours: the caller learns nothing but where to ask. */
export const internalProblem = (occurrence: Occurrence): Problem => problem(500, 'internal_error', occurrence);

const problem = (status: number, code: string, { instance, requestId }: Occurrence): Problem => ({
  type: `/docs/errors/${code}`,
  title: titleOf(code),
  status,
  instance,
  code,
  requestId,
});

/** `insufficient_stock` → `Insufficient stock` */
export const titleOf = (code: string): string => (code.charAt(0).toUpperCase() + code.slice(1)).replaceAll('_', ' ');
