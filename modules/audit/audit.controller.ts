// From a request about the audit trail to one call of the service, and from its answer to HTTP.
import { okPage } from '../../shared/http/reply.ts';
import type { Handler } from '../../shared/http/route.ts';
import type { AuditService } from './audit.service.ts';
import type { listAuditEntries } from './audit.validation.ts';

export class AuditController {
  private readonly audit: AuditService;

  constructor(audit: AuditService) {
    this.audit = audit;
  }

  readonly getEntries: Handler<typeof listAuditEntries> = async ({ query }) => okPage(await this.audit.list(query));
}
