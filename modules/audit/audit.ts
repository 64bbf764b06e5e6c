// What is worth an entry, and what of it must not be kept: pure.
import type { AuditEntry } from '../../shared/domain/audit.ts';

/** Every deed of staff and of API keys, whatever concerns logins, and the end of an account; customers' shopping has its own history. */
export const isRecorded = ({ actor, action }: AuditEntry): boolean =>
  action.startsWith('auth.') ||
  action === 'user.deleted' ||
  actor === null ||
  actor.kind === 'api_key' ||
  actor.role !== 'customer';

/** The trail is append-only, so what a person may ask us to forget never gets in. */
const blackedOut =
  /password|secret|token|hash|^email$|^name$|^phone$|^line[12]$|^city$|^region$|^postalCode$|^note$|address$/i;
export const BLACKED_OUT = '[redacted]';

/** A copy in which personal data and secrets can be seen to be there, and no more. */
export function blackOut(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(blackOut);
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) => [
      key,
      blackedOut.test(key) && one !== null ? BLACKED_OUT : blackOut(one),
    ]),
  );
}
