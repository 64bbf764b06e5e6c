// Migrations: every room's own SQL files, applied once, in order, under one lock that waits.
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import pg from 'pg';

/** `schema` is also the name under which applied files are remembered. */
export type MigrationSource = { schema: string; directory: URL };
export type MigrationFile = { schema: string; name: string; sql: string; sha256: string };

/** Any number, the same in every process: the key of the advisory lock. */
const LOCK_KEY = 7_245_118_301;

/**
 * Applies what is missing, all in one transaction; processes that start together wait for the first.
 * @returns the files applied, as `schema/name`.
 * @throws when an applied file was edited: history is append-only. Files that a newer version applied are let be.
 */
export async function migrate(connectionString: string, sources: MigrationSource[]): Promise<string[]> {
  return withClient(connectionString, async (client) => {
    const files = await readMigrations(sources);
    await client.query('BEGIN');
    // Another process may migrate for minutes; waiting for it is right.
    await client.query('SET LOCAL lock_timeout = 0; SET LOCAL statement_timeout = 0');
    await client.query('SELECT pg_advisory_xact_lock($1)', [LOCK_KEY]);
    await client.query(
      `CREATE SCHEMA IF NOT EXISTS migrations;
       CREATE TABLE IF NOT EXISTS migrations.applied (
         schema text, name text, sha256 text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (schema, name))`,
    );
    const pending = pendingOf(files, await readApplied(client));
    for (const file of pending) await apply(client, file);
    await client.query('COMMIT');
    return pending.map(({ schema, name }) => `${schema}/${name}`);
  });
}

/** The files not yet applied, for a process that may not apply them, and for /ready. */
export async function pendingMigrations(connectionString: string, sources: MigrationSource[]): Promise<string[]> {
  return withClient(connectionString, async (client) => {
    const { rows } = await client.query<{ known: boolean }>(
      `SELECT to_regclass('migrations.applied') IS NOT NULL AS known`,
    );
    const applied = rows[0]?.known === true ? await readApplied(client) : [];
    return pendingOf(await readMigrations(sources), applied).map(({ schema, name }) => `${schema}/${name}`);
  });
}

export async function readMigrations(sources: MigrationSource[]): Promise<MigrationFile[]> {
  const perSource = sources.map(async ({ schema, directory }) => {
    const names = (await readdir(directory)).filter((name) => name.endsWith('.sql')).toSorted();
    return Promise.all(names.map((name) => readMigration(schema, directory, name)));
  });
  return (await Promise.all(perSource)).flat();
}

async function readMigration(schema: string, directory: URL, name: string): Promise<MigrationFile> {
  const sql = await readFile(new URL(name, directory), 'utf8');
  return { schema, name, sql, sha256: createHash('sha256').update(sql).digest('hex') };
}

type Applied = { schema: string; name: string; sha256: string };

async function readApplied(client: pg.Client): Promise<Applied[]> {
  const { rows } = await client.query<Applied>('SELECT schema, name, sha256 FROM migrations.applied');
  return rows;
}

function pendingOf(files: MigrationFile[], applied: Applied[]): MigrationFile[] {
  const hashes = new Map(applied.map(({ schema, name, sha256 }) => [`${schema}/${name}`, sha256]));
  const edited = files.filter(({ schema, name, sha256 }) => (hashes.get(`${schema}/${name}`) ?? sha256) !== sha256);
  if (edited.length > 0) {
    throw new Error(
      `migration ${edited.map(({ schema, name }) => `${schema}/${name}`).join(', ')} was edited after it was applied; add a new one instead`,
    );
  }
  return files.filter(({ schema, name }) => !hashes.has(`${schema}/${name}`));
}

async function apply(client: pg.Client, { schema, name, sql, sha256 }: MigrationFile): Promise<void> {
  await client.query(`CREATE SCHEMA IF NOT EXISTS ${pg.escapeIdentifier(schema)}`);
  await client.query(sql).catch((error: unknown) => {
    throw new Error(`migration ${schema}/${name} failed: ${String(error)}`, { cause: error });
  });
  await client.query('INSERT INTO migrations.applied (schema, name, sha256) VALUES ($1, $2, $3)', [
    schema,
    name,
    sha256,
  ]);
}

async function withClient<T>(connectionString: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({
    connectionString,
    application_name: 'waybill-migrate',
    connectionTimeoutMillis: 1500,
  });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
