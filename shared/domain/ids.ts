// Identifiers: UUIDv7 (RFC 9562), made by the application so that a row's id is known before it is written.
import { randomUUID } from 'node:crypto';
import { v7 } from 'uuid';

export const newId = (): string => v7();

/** For what is not sorted by it, such as a request: a quarter of the price, for Node keeps the randomness of its own UUIDs ready. */
export function newRequestId(): string {
  const now = Date.now().toString(16).padStart(12, '0');
  return `${now.slice(0, 8)}-${now.slice(8)}-7${randomUUID().slice(15)}`;
}

/** Before the first id and after the last: where a list begins. A cursor that may be null would make one plan of two, and the worse one. */
export const FIRST_ID = '00000000-0000-0000-0000-000000000000';
export const LAST_ID = 'ffffffff-ffff-ffff-ffff-ffffffffffff';
