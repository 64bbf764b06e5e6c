// A long look at one moment of the database: read-only, on a connection of its own, for as long as somebody reads.
import type { PoolClient } from 'pg';
import { asAppError } from './database-errors.ts';

/** The bound of the whole look: it holds a connection, and keeps VACUUM from what was deleted since. */
const LOOK_MS_MAX = 10 * 60_000;
/** A reader that takes nothing for so long has left without saying so. */
const PAUSE_MS_MAX = 60_000;

type Ask = (text: string) => Promise<unknown>;
type Ways<A extends Ask> = {
  connect: () => Promise<PoolClient>;
  /** `deadlineOf`: when a statement that begins now must be answered. */
  askOn: (client: PoolClient, deadlineOf: () => number) => A;
  statementMs: number;
};

/** Who leaves early (`return()`) ends the connection, and with it whatever ran on it. */
export async function* lookAtOneMoment<T, A extends Ask>(
  { connect, askOn, statementMs }: Ways<A>,
  read: (look: { query: A }) => AsyncGenerator<T>,
): AsyncGenerator<T> {
  const end = performance.now() + LOOK_MS_MAX;
  const client = await connect();
  const ask = askOn(client, () => Math.min(end, performance.now() + statementMs));
  let isWhole = false;
  try {
    await ask('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    await ask(`SET LOCAL idle_in_transaction_session_timeout = ${PAUSE_MS_MAX}`);
    yield* read({ query: ask });
    await ask('COMMIT');
    isWhole = true;
  } catch (error) {
    throw asAppError(error);
  } finally {
    client.release(!isWhole);
  }
}
