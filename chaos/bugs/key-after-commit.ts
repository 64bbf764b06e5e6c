// A planted bug that the crash matrix must find: the idempotency key is stored after the commit of what it stands for.
import pg from 'pg';
import { Idempotency, replayOf } from '../../shared/idempotency/idempotency.ts';

type Answer = Promise<{ rows: { fate?: { outcome: string; view: unknown } }[] }>;
type Query = (this: pg.Client, ...args: unknown[]) => Answer;
type Command = { key: { scope: string; key: string; fingerprint: string; ttlMs: number } };

await forgetKeysInSql();
rememberLater();

/** Idempotent, as every start comes by here. */
async function forgetKeysInSql(): Promise<void> {
  const client = new pg.Client({ connectionString: process.env['DATABASE_URL'] });
  await client.connect();
  const { rows } = await client.query<{ definition: string }>(
    `SELECT pg_get_functiondef('orders.place'::regproc) AS definition`,
  );
  await client.query(rows[0]?.definition.replace(/PERFORM idempotency\.remember\([^;]*;/, '') ?? '');
  await client.end();
}

function rememberLater(): void {
  const prototype = pg.Client.prototype as unknown as { query: Query };
  const query = prototype.query;
  prototype.query = function (...args) {
    const { text, values } = args[0] as { text?: string; values?: [string] };
    if (text?.includes('orders.place') !== true || values === undefined) return query.apply(this, args);
    return placeThenRemember(values[0], () => query.apply(this, args), (...more) => query.apply(this, more)); // prettier-ignore
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

async function placeThenRemember(command: string, place: () => Answer, query: (...args: unknown[]) => Answer): Answer {
  const answer = await place();
  const fate = answer.rows[0]?.fate;
  if (fate?.outcome !== 'placed') return answer;
  const { key } = JSON.parse(command) as Command;
  const values = [key.scope, key.key, key.fingerprint, JSON.stringify({ result: fate.view }), key.ttlMs];
  await query('SELECT idempotency.remember($1, $2, $3, $4, $5)', values);
  return answer;
}
