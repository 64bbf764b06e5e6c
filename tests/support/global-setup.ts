// One PostgreSQL for the whole test run, and a migrated template that every test file copies.
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import type { TestProject } from 'vitest/node';
import { migrationSources } from '../../app.ts';
import { databaseUrl, startEmbeddedPostgres } from '../../shared/database/embedded.ts';
import { migrate } from '../../shared/database/migrate.ts';
import { createRoles, grantSchemas } from './roles.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Of the run's server; DATABASE_NAME and ROLE_NAME stand for theirs. */
    databaseUrlPattern: string;
  }
}

/** Nothing here outlives the run, so nothing is flushed; the crash tests bring a durable server of their own. */
const settings = {
  fsync: 'off',
  synchronous_commit: 'local',
  full_page_writes: 'off',
  max_connections: '400',
  shared_buffers: '128MB',
  // Tests that need statistics ask for them; nothing else may change a plan or take a core in the middle of one.
  autovacuum: 'off',
  max_wal_size: '4GB',
};

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const dataDir = await mkdtemp(join(tmpdir(), 'waybill-test-'));
  await chmod(dataDir, 0o755);
  const server = await startEmbeddedPostgres({ dataDir, settings });
  await makeTemplate(
    server.superuserUrl,
    databaseUrl(server, 'template_waybill', 'waybill'),
    databaseUrl(server, 'template_waybill', 'postgres'),
  );
  project.provide('databaseUrlPattern', databaseUrl(server, 'DATABASE_NAME', 'ROLE_NAME'));
  return async () => {
    await server.stop();
    await rm(dataDir, { recursive: true, force: true });
  };
}

async function makeTemplate(superuserUrl: string, ownerUrl: string, templateUrl: string): Promise<void> {
  await withClient(superuserUrl, async (client) => {
    await client.query('CREATE DATABASE template_waybill OWNER waybill');
    await createRoles(client);
  });
  await migrate(ownerUrl, migrationSources);
  await withClient(templateUrl, grantSchemas);
}

async function withClient(connectionString: string, work: (client: pg.Client) => Promise<void>): Promise<void> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}
