// More customers than a server can serve, in a process of their own, so that who watches is not slowed down: told to wait a second, they wait half of it.
import { randomUUID } from 'node:crypto';
import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

type Tally = Record<string, number>;
export type Stampede = { url: string; token: string; skus: string[]; clients: number };
/** What was answered, by kind of request, then status and code. */
export type Answers = { browse: Tally; order: Tally };

const { url, token, skus, clients } = JSON.parse(process.argv[2] ?? '{}') as Stampede;
const answers: Answers = { browse: {}, order: {} };
const order = () => JSON.stringify({ lines: [{ sku: skus[Math.floor(Math.random() * skus.length)], quantity: 1 }] });
const over = new AbortController();

const RETRY_MS = 500;

/** @returns whether it was served */
function ask(agent: Agent, kind: 'browse' | 'order'): Promise<boolean> {
  const path = kind === 'browse' ? '/api/v1/products' : '/api/v1/orders';
  const headers = {
    Authorization: `Bearer ${token}`,
    ...(kind === 'order' && { 'Content-Type': 'application/json', 'Idempotency-Key': randomUUID() }),
  };
  return new Promise((resolve) => {
    const count = (what: string) => {
      answers[kind][what] = (answers[kind][what] ?? 0) + 1;
      resolve(/^20[01]$/.test(what));
    };
    const outgoing = request(url + path, { agent, headers, method: kind === 'browse' ? 'GET' : 'POST' }, (response) => {
      let text = '';
      response.on('data', (piece: Buffer) => (text += piece.toString()));
      response.once('end', () => {
        const { code = '' } = (response.statusCode ?? 0) < 400 ? {} : (JSON.parse(text) as { code?: string });
        const isSilent = response.statusCode === 503 && response.headers['retry-after'] === undefined;
        count(`${response.statusCode}${code && ` ${code}`}${isSilent ? ' without Retry-After' : ''}`);
      });
    });
    outgoing.once('error', (error: NodeJS.ErrnoException) => count(error.code ?? error.message));
    outgoing.end(kind === 'order' ? order() : undefined);
  });
}

async function customer(i: number): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  while (!over.signal.aborted) if (!(await ask(agent, i % 2 === 0 ? 'browse' : 'order'))) await sleep(RETRY_MS);
  agent.destroy();
}

process.once('SIGTERM', () => over.abort());
await Promise.all(Array.from({ length: clients }, (_, i) => customer(i)));
process.stdout.write(`${JSON.stringify(answers)}\n`);
