// Preloaded into a server under test: counts the statements and provider calls of one request, and kills the process at the one it is told.
import { writeSync } from 'node:fs';
import type { Socket } from 'node:net';
import pg from 'pg';
import { currentRequestId } from '../shared/logging/request-context.ts';

/** `before`: not sent. `during`: sent, not answered. `after`: answered, the program has not seen it yet. */
export type Phase = 'before' | 'during' | 'after';
/** The nth of all steps with this text: deliveries run beside the request, so that only the order of equals is certain. */
export type Step = { kind: 'sql' | 'call'; text: string; nth: number };
/** `step` null only counts. */
export type Aim = { requestId: string; step: Step | null; phase: Phase };

export type ToServer = { do: 'start' } | { do: 'arm'; aim: Aim } | { do: 'tell' };
export type FromServer = { did: 'load' } | { did: 'arm' } | { did: 'tell'; steps: Step[] };

let aim: Aim | null = null;
let steps: Step[] = [];
/** A fact of the armed request was recorded; it is committed; the dispatcher has been seen to fetch it. */
let news = { isRecorded: false, isCommitted: false, isClaimed: false };

process.on('message', (message: ToServer) => {
  if (message.do === 'arm') arm(message.aim);
  if (message.do === 'tell') tell({ did: 'tell', steps });
});
// Whoever watches us is gone: nothing may be left running.
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));

patchQueries();
await patchProvider();
await import('../app.ts'); // nearly all of a start is reading the program: it is read ahead of the start
tell({ did: 'load' });
await new Promise<void>((resolve) => process.on('message', (message: ToServer) => message.do === 'start' && resolve()));

function arm(next: Aim): void {
  aim = next;
  steps = [];
  news = { isRecorded: false, isCommitted: false, isClaimed: false };
  tell({ did: 'arm' });
}

function tell(message: FromServer): void {
  process.send?.(message);
}

function patchQueries(): void {
  type Query = (this: pg.Client, ...args: unknown[]) => unknown;
  const prototype = pg.Client.prototype as unknown as { query: Query };
  const query = prototype.query;
  prototype.query = function countedQuery(...args) {
    const { text, values } = statementOf(args[0]);
    if (!isOfArmedRequest(text, values)) return query.apply(this, args);
    const step = count('sql', text + companyOf(text, values));
    killAt(step, 'before');
    const answer = query.apply(this, heardBack(step, args));
    if (isHere(step, 'during')) whenFlushed(this, () => kill(step));
    return answer instanceof Promise ? heard(step, answer) : answer;
  };
}

/** Who asked with a callback is told by it. */
function heardBack(step: Step, args: unknown[]): unknown[] {
  const tell = args.at(-1);
  if (typeof tell !== 'function') return args;
  const tellLater = (...answer: unknown[]) => {
    killAt(step, 'after');
    follow(step);
    Reflect.apply(tell, undefined, answer);
  };
  return [...args.slice(0, -1), tellLater];
}

/** The provider's client, reached by the face of payments: its methods are the calls. */
async function patchProvider(): Promise<void> {
  const { createPayments } = await import('../modules/payments/index.ts');
  const { provider } = createPayments({ provider: {} } as never);
  const prototype = Object.getPrototypeOf(provider) as Record<string, (...args: unknown[]) => Promise<unknown>>;
  for (const name of ['authorize', 'capture', 'void', 'refund', 'fetch']) {
    const call = prototype[name];
    if (call === undefined) throw new Error(`the provider has no ${name} to be counted`);
    prototype[name] = function countedCall(...args) {
      if (currentRequestId() !== aim?.requestId) return call.apply(this, args);
      const step = count('call', `provider.${name}`);
      killAt(step, 'before');
      // The provider plays in this process: what is "during" a call are its own statements, which are steps of their own.
      return heard(step, call.apply(this, args));
    };
  }
}

type Statement = { text: string; values: unknown[] };

function statementOf(query: unknown): Statement {
  const { text = '', values = [] } = typeof query === 'string' ? { text: query } : (query as Partial<Statement>);
  return { text, values };
}

/**
 * The dispatcher fetches for everyone, under no request's id: the first fetch after the fact was committed is the armed request's. Orders
 * that are placed together are nobody's request either: each brings its id along.
 */
function isOfArmedRequest(text: string, values: unknown[]): boolean {
  if (aim === null) return false;
  if (currentRequestId() === aim.requestId) return true;
  if (isPlacing(text)) return String(values[0]).includes(`"${aim.requestId}"`);
  if (!text.includes('events.claim_due') || !news.isCommitted || news.isClaimed) return false;
  news.isClaimed = true;
  return true;
}

const isPlacing = (text: string): boolean => text.includes('orders.place_all');

/** Alone or together: two steps, each to be killed at. */
const companyOf = (text: string, [orders]: unknown[]): string =>
  isPlacing(text) && (JSON.parse(String(orders)) as unknown[]).length > 1 ? ' together' : '';

function count(kind: Step['kind'], text: string): Step {
  const plain = text.replace(/\s+/g, ' ').replace(/\/\*.*?\*\//g, '').trim(); // prettier-ignore
  const step = { kind, text: plain, nth: steps.filter((earlier) => earlier.text === plain).length + 1 };
  steps.push(step);
  return step;
}

/** The answer, unless it is the one that must not be seen. */
async function heard(step: Step, answer: Promise<unknown>): Promise<unknown> {
  try {
    return await answer;
  } finally {
    killAt(step, 'after');
    follow(step);
  }
}

function follow({ text }: Step): void {
  news.isRecorded ||= /events\.record|orders\.place/.test(text);
  news.isCommitted ||= news.isRecorded && /^COMMIT|orders\.place/.test(text);
}

const isHere = ({ text, nth }: Step, phase: Phase): boolean =>
  aim?.step?.text === text && aim.step.nth === nth && aim.phase === phase;

function killAt(step: Step, phase: Phase): void {
  if (isHere(step, phase)) kill(step);
}

/** SIGKILL to oneself arrives before kill(2) returns: nothing more is run. The last word is written first, past all streams. */
function kill(step: Step): void {
  writeSync(2, `${JSON.stringify({ killedAt: step })}\n`);
  process.kill(process.pid, 'SIGKILL');
}

/** What the kernel has is read by PostgreSQL, whether or not we still live. */
function whenFlushed(client: pg.Client, then: () => void): void {
  const { stream } = (client as unknown as { connection: { stream: Socket } }).connection;
  if (stream.writableLength === 0) then();
  else setImmediate(() => whenFlushed(client, then));
}
