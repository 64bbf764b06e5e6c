// Identifiers: UUIDv7 (RFC 9562), made by the application so that a row's id is known before it is written.
import { v7 } from 'uuid';

export const newId = (): string => v7();
