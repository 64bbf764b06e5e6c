// The face of the audit trail. Its SQL half is audit.record(jsonb): see migrations/0001_entries.sql.
import type { Database } from '../../shared/database/database.ts';
import type { MigrationSource } from '../../shared/database/migrate.ts';
import { AuditController } from './audit.controller.ts';
import { auditRoutes } from './audit.routes.ts';
import { AuditService } from './audit.service.ts';

export const auditMigrations: MigrationSource = {
  schema: 'audit',
  directory: new URL('./migrations/', import.meta.url),
};

export function createAudit({ database }: { database: Database }) {
  const service = new AuditService({ database });
  return {
    name: 'audit',
    about: 'Who did what: staff, API keys, and every login',
    service,
    routes: auditRoutes(new AuditController(service)),
    jobs: [],
    subscriptions: [],
    errorPages: {},
  };
}
