// Hears the plan of every statement the app sends, those inside functions too, as PostgreSQL carried it out (auto_explain).
import pg from 'pg';
import { drawn, flawsOf, type Node } from './plan.ts';

export type Flawed = { role: string; text: string; values: string; flaws: string[]; plan: string };

type Told = { 'Query Text': string; 'Query Parameters'?: string; Plan: Node };

/** For sessions that begin later, in this database only. Sent to the client, as notices. */
export async function explainEverything(superuserUrl: string): Promise<void> {
  const client = new pg.Client({ connectionString: superuserUrl });
  await client.connect();
  const settings = {
    session_preload_libraries: 'auto_explain',
    'auto_explain.log_min_duration': '0',
    'auto_explain.log_analyze': 'on',
    'auto_explain.log_timing': 'off',
    'auto_explain.log_verbose': 'on',
    'auto_explain.log_nested_statements': 'on',
    'auto_explain.log_format': 'json',
    'auto_explain.log_level': 'notice',
  };
  const { rows } = await client.query<{ name: string }>('SELECT quote_ident(current_database()) AS name');
  for (const [name, value] of Object.entries(settings))
    await client.query(`ALTER DATABASE ${rows[0]?.name ?? ''} SET ${name} = '${value}'`);
  await client.end();
}

export class PlanCapture {
  /** How many rows each table has, by `schema.name`. */
  rowsOf = new Map<string, number>();
  private readonly flawed = new Map<string, Flawed>();
  private readonly texts = new Set<string>();

  hear(client: pg.ClientBase, role: string): void {
    client.on('notice', ({ message }) => {
      const json = message?.indexOf('{') ?? -1;
      if (message?.startsWith('duration: ') === true && json > 0)
        this.judge(role, JSON.parse(message.slice(json)) as Told);
    });
  }

  /** Different statements seen so far. */
  get size(): number {
    return this.texts.size;
  }

  /** The flawed ones since the last call, each once, the worst of them. */
  take(): Flawed[] {
    const all = [...this.flawed.values()];
    this.flawed.clear();
    return all;
  }

  private judge(role: string, { 'Query Text': text, 'Query Parameters': values = '', Plan: plan }: Told): void {
    this.texts.add(text);
    const flaws = flawsOf(plan, (table) => this.rowsOf.get(table) ?? 0);
    if (flaws.length === 0 || isAllowed(text)) return;
    const known = this.flawed.get(text);
    if (known !== undefined && known.flaws.length >= flaws.length) return;
    this.flawed.set(text, { role, text, values, flaws, plan: drawn(plan) });
  }
}

/** What may read more, and why. */
const allowed: [text: RegExp, why: string][] = [
  [/graphile_worker/, 'the tables of the queue are as small as the number of jobs'],
  [
    /^SELECT status, count\(o\.status\)/,
    'a gauge counts what is open: an index alone, as many entries as orders under way',
  ],
  [/^SELECT s\.subscriber, waiting/, 'a gauge counts what waits to be heard: an index alone'],
  [/^WITH unfinished AS/, 'a gauge counts the payments that are open: as many rows as wait for their provider'],
  [
    /p\.search @@ websearch_to_tsquery/,
    'a search sorts the products that match; they are as many as a shop has products, not orders',
  ],
];
const isAllowed = (text: string): boolean => allowed.some(([pattern]) => pattern.test(text));
