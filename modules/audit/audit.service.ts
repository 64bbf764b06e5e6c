// The use cases of the audit trail: record a deed in its own transaction, and read the trail.
import type { Database } from '../../shared/database/database.ts';
import type { Audit, AuditEntry } from '../../shared/domain/audit.ts';
import { newId } from '../../shared/domain/ids.ts';
import { decodeCursor, toPage, type Page } from '../../shared/domain/page.ts';
import { isUuid, PAGE_LIMIT_DEFAULT } from '../../shared/http/schemas.ts';
import { currentRequest } from '../../shared/logging/request-context.ts';
import { blackOut, isRecorded } from './audit.ts';
import { findEntries, recordEntry } from './audit.repository.ts';
import type { ListAuditEntries } from './audit.validation.ts';
import { presentEntry, type AuditEntryView } from './audit.view.ts';

export class AuditService implements Audit {
  private readonly database: Database;

  constructor({ database }: { database: Database }) {
    this.database = database;
  }

  async record(tx: Parameters<Audit['record']>[0], entry: AuditEntry): Promise<void> {
    const prepared = this.prepare(entry);
    if (prepared !== null) await recordEntry(tx, prepared);
  }

  prepare(entry: AuditEntry): object | null {
    if (!isRecorded(entry)) return null;
    const { actor, action, subject, before = null, after = null } = entry;
    const { requestId = null, address = null } = currentRequest() ?? {};
    return {
      id: newId(),
      actorType: actor?.kind ?? null,
      actorId: actor?.userId ?? null,
      role: actor?.role ?? null,
      action,
      subjectType: subject.type,
      subjectId: subject.id,
      before: blackOut(before),
      after: blackOut(after),
      address,
      requestId,
    };
  }

  /** Newest first. @throws malformed `cursor_invalid` */
  async list({ limit = PAGE_LIMIT_DEFAULT, cursor, ...filter }: ListAuditEntries): Promise<Page<AuditEntryView>> {
    const [beforeId = null] = cursor === undefined ? [] : decodeCursor(cursor, [isUuid]);
    const rows = await findEntries(this.database, { ...filter, beforeId, limit: limit + 1 });
    const { items, nextCursor } = toPage(rows, limit, ({ id }) => [id]);
    return { items: items.map(presentEntry), nextCursor };
  }
}
