// The API of the audit trail at a glance.
import { route, type Route } from '../../shared/http/route.ts';
import type { AuditController } from './audit.controller.ts';
import { listAuditEntries } from './audit.validation.ts';

export const auditRoutes = (audit: AuditController): Route[] => [
  route('get', '/audit-entries', ['audit:read'], listAuditEntries, audit.getEntries),
];
