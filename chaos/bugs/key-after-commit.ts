// A planted bug that the crash matrix must find: the idempotency key is stored after the commit of what it stands for.
import pg from 'pg';
import { Idempotency, replayOf } from '../../shared/idempotency/idempotency.ts';

type Fate = { outcome: string };
type Query = (this: pg.Client, ...args: unknown[]) => unknown;
type Order = { scope: string; key: string; fingerprint: string };
type Values = [orders: string, lines: string, views: string[], reservationTtlMs: number, keyTtlMs: number];

await forgetKeysInSql();
rememberLater();

/** Idempotent, as every start comes by here. */
async function forgetKeysInSql(): Promise<void> {
  const client = new pg.Client({ connectionString: process.env['DATABASE_URL'] });
  await client.connect();
  const { rows } = await client.query<{ definition: string }>(
    `SELECT pg_get_functiondef('orders.place_all'::regproc) AS definition`,
  );
  await client.query(rows[0]?.definition.replace(/PERFORM idempotency\.remember_all\([^;]*;/, '') ?? '');
  await client.end();
}

function rememberLater(): void {
  const prototype = pg.Client.prototype as unknown as { query: Query };
  const query = prototype.query;
  prototype.query = function (...args) {
    const { text, values } = args[0] as { text?: string; values?: Values };
    const tell = args[1];
    if (text?.includes('orders.place_all') !== true || values === undefined || typeof tell !== 'function')
      return query.apply(this, args);
    const then = (more: unknown[]) => query.apply(this, more);
    const tellLater = (error: Error | null, result: { rows: { fates: Fate[] }[] }) =>
      void rememberAll(values, result?.rows[0]?.fates ?? [], then, () => Reflect.apply(tell, undefined, [error, result])); // prettier-ignore
    return query.apply(this, [args[0], tellLater]);
  };
  Idempotency.prototype.run = async function runThenRemember<Result>(
    this: Idempotency,
    ...[database, key, work]: Parameters<Idempotency['run']>
  ) {
    const earlier = replayOf<Result>(await this.claim(database, key));
    if (earlier !== null) return earlier;
    const result = (await database.transaction(work)) as Result;
    await this.remember(database, key, { result });
    return { result, replayed: false };
  };
}

async function rememberAll(
  [orders, , views, , keyTtlMs]: Values,
  fates: Fate[],
  query: (args: unknown[]) => unknown,
  done: () => void,
): Promise<void> {
  for (const [i, { scope, key, fingerprint }] of (JSON.parse(orders) as Order[]).entries()) {
    const { outcome, ...known } = fates[i] ?? { outcome: 'none' };
    if (outcome !== 'placed') continue;
    const result = { ...(JSON.parse(views[i] ?? '{}') as object), ...known };
    const values = [scope, key, fingerprint, JSON.stringify({ result }), keyTtlMs];
    await query(['SELECT idempotency.remember($1, $2, $3, $4, $5)', values]);
  }
  done();
}
