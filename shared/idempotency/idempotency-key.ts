// The Idempotency-Key of one request: who sent it, where to, and with what (IETF draft-ietf-httpapi-idempotency-key-header).
import { hash } from 'node:crypto';
import { malformed } from '../errors/app-error.ts';

export type IdempotencyKey = {
  /** Caller and concrete path: the same key of another caller or for another order is another key. */
  scope: string;
  key: string;
  fingerprint: string;
};

/** 1 to 255 visible ASCII characters. */
const pattern = /^[\x21-\x7e]{1,255}$/;

/** @throws malformed `idempotency_key_required`, `idempotency_key_invalid` */
export function readIdempotencyKey(header: string | undefined, scope: string, input: unknown): IdempotencyKey {
  if (header === undefined)
    throw keyProblem(
      'idempotency_key_required',
      'Send an Idempotency-Key header, new for each intent and the same for each retry.',
    );
  if (!pattern.test(header))
    throw keyProblem('idempotency_key_invalid', 'The Idempotency-Key must be 1 to 255 visible ASCII characters.');
  return { scope, key: header, fingerprint: fingerprintOf(input) };
}

/** Parsed input, so that white space, key order and defaults do not make two requests of one. */
const fingerprintOf = (input: unknown): string => hash('sha256', JSON.stringify(input) ?? 'null');

const keyProblem = (code: string, message: string) =>
  malformed(code, message, { faults: [{ pointer: '/header/idempotency-key', code, message }] });
