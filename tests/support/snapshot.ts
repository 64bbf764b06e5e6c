// What is in the database, table by table: two of these are equal when nothing was changed.
import type { TestApp } from './app.ts';

export type Snapshot = Record<string, string>;

export async function snapshotOf({ sql }: TestApp): Promise<Snapshot> {
  const rows = await sql<{ name: string; contents: string }>(await statementFor(sql));
  return Object.fromEntries(rows.map(({ name, contents }) => [name, contents]));
}

const statements = new WeakMap<TestApp['sql'], Promise<string>>();

function statementFor(sql: TestApp['sql']): Promise<string> {
  const known = statements.get(sql) ?? makeStatement(sql);
  statements.set(sql, known);
  return known;
}

async function makeStatement(sql: TestApp['sql']): Promise<string> {
  const tables = await sql<{ name: string }>(
    `SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables
     WHERE schemaname NOT IN ('pg_catalog', 'information_schema', 'migrations') ORDER BY 1`,
  );
  return tables
    .map(
      ({ name }) =>
        `SELECT '${name}' AS name, count(*) || ' rows, ' || md5(coalesce(string_agg(t::text, E'\\n' ORDER BY t::text), '')) AS contents FROM ${name} t`,
    )
    .join(' UNION ALL ');
}
