// One module's way into PostgreSQL: single statements, transactions, and other modules' transactions that it joins.
import { createHash } from 'node:crypto';
import pg, { type Pool, type PoolClient, type QueryResultRow } from 'pg';
import { unavailable } from '../errors/app-error.ts';
import { currentRequestId } from '../logging/request-context.ts';
import { asAppError, isBrokenConnection, isRetryable } from './database-errors.ts';
import { lookAtOneMoment } from './snapshot.ts';

export type Rows<Row> = { rows: Row[]; rowCount: number };

/** What a repository needs: somewhere to send one statement. */
export interface Connection {
  query<Row extends QueryResultRow>(text: string, values?: unknown[]): Promise<Rows<Row>>;
}

export interface Transaction extends Connection {
  /** Runs after COMMIT was answered, e.g. to wake a dispatcher in this process; never for anything that must happen. */
  afterCommit(callback: () => void): void;
}

export interface Database extends Connection {
  /**
   * Commits when `work` resolves, rolls back when it throws. `work` runs again, at most 3 times in all, after a
   * deadlock or a serialization failure: it must not have effects outside the transaction.
   * @throws unavailable `database_unavailable` when PostgreSQL cannot answer in time; after a lost COMMIT the outcome is
   * unknown and only an idempotency key makes the retry safe.
   */
  transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T>;
  /** A caller's transaction, for this module's own statements. The same object in production; the tests switch the role here. */
  join(tx: Transaction): Transaction;
  /** A long look at one moment, not bound by the deadline of a request: see snapshot.ts. It begins with the first `next()`. */
  snapshot<T>(read: (look: Connection) => AsyncGenerator<T>): AsyncGenerator<T>;
}

const ATTEMPTS_MAX = 3;

/** @param deadlineMs for all the work of one call, waiting for a connection included: 3.2 s is shorter than a client's patience and longer than statement_timeout (2.5 s) */
export function createDatabase(
  pool: Pool,
  { prepared = true, deadlineMs = 3200 }: { prepared?: boolean; deadlineMs?: number } = {},
): Database {
  const connected = <T>(work: (client: PoolClient, deadline: number) => Promise<T>) =>
    withClient(pool, performance.now() + deadlineMs, work);
  const run = <Row extends QueryResultRow>(
    client: PoolClient,
    deadline: number,
    text: string,
    values: unknown[] = [],
  ) => send<Row>(client, { text, values, ...(prepared && { name: statementName(text) }) }, deadline);
  const askOn =
    (client: PoolClient, deadlineOf: () => number): Connection['query'] =>
    (text, values) =>
      run(client, deadlineOf(), text, values);

  return {
    query: (text, values) => connected((client, deadline) => run(client, deadline, text, values)),
    transaction: (work) =>
      retrying(() =>
        connected((client, deadline) =>
          transact(client, deadline, (text, values) => run(client, deadline, text, values), work),
        ),
      ),
    join: (tx) => tx,
    snapshot: fewAtOnce(Math.max(1, Math.floor(maxOf(pool) / 4)), (read) =>
      lookAtOneMoment({ connect: () => acquire(pool), askOn, statementMs: deadlineMs }, read),
    ),
  };
}

/** A look holds its connection for minutes: most of the pool stays with those who need theirs for a moment. */
function fewAtOnce(max: number, look: Database['snapshot']): Database['snapshot'] {
  let looking = 0;
  return async function* (read) {
    if (looking >= max) throw unavailable('database_busy', 'Too many long reads run.', { retryAfterSeconds: 5 });
    looking++;
    try {
      yield* look(read);
    } finally {
      looking--;
    }
  };
}

async function transact<T>(
  client: PoolClient,
  deadline: number,
  query: Connection['query'],
  work: (tx: Transaction) => Promise<T>,
): Promise<T> {
  const callbacks: (() => void)[] = [];
  await send(client, { text: `BEGIN${requestComment()}` }, deadline);
  const result = await orRollBack(client, deadline, () =>
    work({ query, afterCommit: (callback) => callbacks.push(callback) }),
  );
  await send(client, { text: 'COMMIT' }, deadline);
  for (const callback of callbacks) callback();
  return result;
}

async function orRollBack<T>(client: PoolClient, deadline: number, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    // A broken connection is thrown away instead: ROLLBACK on it can hang for as long as the server does.
    if (!isBrokenConnection(error))
      await send(client, { text: 'ROLLBACK' }, Math.max(deadline, performance.now() + 500));
    throw error;
  }
}

async function withClient<T>(
  pool: Pool,
  deadline: number,
  work: (client: PoolClient, deadline: number) => Promise<T>,
): Promise<T> {
  const client = await acquire(pool);
  let broken: Error | undefined;
  try {
    return await work(client, deadline);
  } catch (error) {
    if (isBrokenConnection(error)) broken = error;
    throw asAppError(error);
  } finally {
    client.release(broken);
  }
}

const maxOf = (pool: Pool): number => pool.options.max ?? 10;

/** Waiters are bounded: behind 4 × max others, a place in the queue is worth less than an answer at once. */
async function acquire(pool: Pool): Promise<PoolClient> {
  if (pool.waitingCount >= 4 * maxOf(pool)) {
    throw unavailable('database_busy', 'Too many requests wait for the database.', { retryAfterSeconds: 1 });
  }
  try {
    return await pool.connect();
  } catch (error) {
    throw asAppError(error);
  }
}

type Statement = { text: string; values?: unknown[]; name?: string };

async function send<Row extends QueryResultRow>(
  client: PoolClient,
  statement: Statement,
  deadline: number,
): Promise<Rows<Row>> {
  const remainingMs = deadline - performance.now();
  if (remainingMs <= 0) throw new Error('Query read timeout');
  try {
    return await answerOf<Row>(client, statement, remainingMs);
  } catch (error) {
    // Its stack leads to a socket; this one leads to who asked.
    if (error instanceof Error) Error.captureStackTrace(error, send);
    throw error;
  }
}

/**
 * By callback, with a timer of our own: node-postgres' promises and its query_timeout hold on to one another from statement to
 * statement, and a third of all that is read is promoted to the old heap (53 of 168 MB for 100,000 rows; 1 MB like this).
 */
function answerOf<Row extends QueryResultRow>(client: PoolClient, statement: Statement, timeoutMs: number) {
  return new Promise<Rows<Row>>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('Query read timeout')), timeoutMs);
    const fail = (error: Error) => {
      clearTimeout(timer);
      reject(error);
    };
    client.query<Row>(statement, (error: Error | null, result) => {
      if (error) return isRefused(error) ? whenUndone(client, () => fail(error)) : fail(error);
      clearTimeout(timer);
      resolve({ rows: result.rows, rowCount: result.rowCount ?? 0 });
    });
  });
}

/** By the server, which goes on to live, and not by a connection that broke. */
const isRefused = (error: Error): boolean => error instanceof pg.DatabaseError && error.severity === 'ERROR';

/** PostgreSQL tells of an error before it has undone the statement: whoever tries again at once would meet the locks of the first try. */
function whenUndone({ connection }: PoolClient, then: () => void): void {
  const go = () => {
    connection.off('readyForQuery', go).off('end', go);
    then();
  };
  connection.on('readyForQuery', go).on('end', go);
}

/** Again after a deadlock or a serialization failure, at most 3 times in all: what failed so had no effect. */
export async function retrying<T>(attempt: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await attempt();
    } catch (error) {
      if (tries >= ATTEMPTS_MAX || !isRetryable(error)) throw error;
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 20 * 2 ** tries));
    }
  }
}

/** The request id reaches the server's log on BEGIN only: a changing text elsewhere would defeat prepared statements. */
function requestComment(): string {
  const id = currentRequestId();
  return id === undefined ? '' : ` /* request_id=${id} */`;
}

const names = new Map<string, string>();

/** Statements are constants of the program, so this map is as small as the program. */
function statementName(text: string): string {
  let name = names.get(text);
  if (name === undefined) {
    name = `wb_${createHash('sha256').update(text).digest('base64url').slice(0, 16)}`;
    names.set(text, name);
  }
  return name;
}
