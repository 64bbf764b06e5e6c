// A planted bug that the crash matrix must find: the idempotency key is stored after the commit of what it stands for.
import pg from 'pg';
import { Idempotency, replayOf } from '../../shared/idempotency/idempotency.ts';

type Query = (this: pg.Client, ...args: unknown[]) => Promise<{ rows?: { fate?: { outcome: string; view: unknown } }[] }>;
type Command = { key: { scope: string; key: string; fingerprint: string; ttlMs: number } };

await forgetKeysInSql();
rememberLater();

/** Idempotent, as every start comes by here. */
async function forgetKeysInSql(): Promise<void> {
  const client = new pg.Client({ connectionString: process.env['DATABASE_URL'] });
  await client.connect();
  const { rows } = await client.query<{ definition: string }>(`SELECT pg_get_functiondef('orders.place'::regproc) AS definition`);
  await client.query(rows[0]?.definition.replace(/PERFORM idempotency\.remember\([^;]*;/, '') ?? '');
  await client.end();
}

function rememberLater(): void {
  const prototype = pg.Client.prototype as unknown as { query: Query };
  const query = prototype.query;
  prototype.query = async function placeThenRemember(...args) {
    const { text, values } = args[0] as { text?: string; values?: string[] };
    const answer = await query.apply(this, args);
    const fate = answer.rows?.[0]?.fate;
    if (text?.includes('orders.place') !== true || fate?.outcome !== 'placed') return answer;
    const { key } = JSON.parse(values?.[0] ?? '') as Command;
    const outcome = JSON.stringify({ result: fate.view });
    await query.call(this, 'SELECT idempotency.remember($1, $2, $3, $4, $5)', [key.scope, key.key, key.fingerprint, outcome, key.ttlMs]);
    return answer;
  };
  Idempotency.prototype.run = async function runThenRemember<Result>(this: Idempotency, ...[database, key, work]: Parameters<Idempotency['run']>) {
    const earlier = replayOf<Result>(await this.claim(database, key));
    if (earlier !== null) return earlier;
    const result = (await database.transaction(work)) as Result;
    await this.remember(database, key, { result });
    return { result, replayed: false };
  };
}
