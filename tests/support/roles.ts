// One PostgreSQL role per module, owner of its schema alone: SQL that reaches into another module's tables fails with 42501.
import type pg from 'pg';
import type { Database, Transaction } from '../../shared/database/database.ts';

export const MODULE_ROLES = ['audit', 'users', 'catalog', 'orders', 'payments'] as const;

/** Functions that a module offers to another by name: the SQL part of its face. */
const OFFERED_FUNCTIONS = [
  { signature: 'catalog.reserve_all(uuid[], jsonb)', to: 'orders' },
  { signature: 'users.hold_all_active(uuid[])', to: 'orders' },
  { signature: 'audit.record(jsonb)', to: 'users, catalog, orders, payments' },
];

/** Who logs in for a module in the tests: may become each of them, but has no right of its own. */
const LOGIN = 'tests_login';

/** Cluster-wide, so once per server. */
export async function createRoles(client: pg.Client): Promise<void> {
  await client.query(`CREATE ROLE ${LOGIN} LOGIN`);
  for (const role of MODULE_ROLES) {
    await client.query(`CREATE ROLE ${role}; GRANT ${role} TO ${LOGIN} WITH INHERIT FALSE, SET TRUE`);
    // The one role of production, for servers started as processes: it may do what every module may.
    await client.query(`GRANT ${role} TO waybill WITH INHERIT TRUE`);
  }
}

/** The URL of a session that begins as this module's role. */
export function asModule(urlFor: (user: string) => string, role: string): string {
  const url = new URL(urlFor(LOGIN));
  url.searchParams.set('options', `-c role=${role}`);
  return url.href;
}

/** In a migrated database: each module gets its own schema, and the rooms that all share. */
export async function grantSchemas(client: pg.Client): Promise<void> {
  for (const role of MODULE_ROLES) {
    await client.query(`ALTER SCHEMA ${role} OWNER TO ${role}`);
    await giveAway(client, role);
    await client.query(`REVOKE ALL ON ALL FUNCTIONS IN SCHEMA ${role} FROM PUBLIC`);
  }
  const all = MODULE_ROLES.join(', ');
  await client.query(`GRANT USAGE ON SCHEMA events, idempotency TO ${all}`);
  await client.query(`GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA events, idempotency TO ${all}`);
  for (const { signature, to } of OFFERED_FUNCTIONS) {
    await client.query(
      `GRANT USAGE ON SCHEMA ${signature.split('.', 1)[0] ?? ''} TO ${to}; GRANT EXECUTE ON FUNCTION ${signature} TO ${to}`,
    );
  }
}

async function giveAway(client: pg.Client, schema: string): Promise<void> {
  const { rows } = await client.query<{ command: string }>(
    `SELECT format('ALTER %s %I.%I OWNER TO %I', CASE relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, nspname, relname, nspname) AS command
     FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
     WHERE nspname = $1 AND (relkind = 'r' OR relkind = 'S' AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype IN ('a', 'i')))
     UNION ALL
     SELECT format('ALTER ROUTINE %s OWNER TO %I', p.oid::regprocedure, nspname)
     FROM pg_proc p JOIN pg_namespace n ON n.oid = pronamespace WHERE nspname = $1`,
    [schema],
  );
  for (const { command } of rows) await client.query(command);
}

/** Statements of this module in another module's transaction run under its own role too. */
export function withOwnRole(database: Database, role: string): Database {
  return { ...database, join: (tx) => joined(tx, role) };
}

function joined(tx: Transaction, role: string): Transaction {
  return {
    afterCommit: (callback) => tx.afterCommit(callback),
    query: async (text, values) => {
      const { rows } = await tx.query<{ role: string }>('SELECT current_user AS role');
      await tx.query(`SET LOCAL ROLE ${role}`);
      const result = await tx.query(text, values);
      await tx.query(`SET LOCAL ROLE ${rows[0]?.role ?? 'none'}`);
      return result as never;
    },
  };
}
