// Many customers at once, each on one kept-alive connection, each order with its own Idempotency-Key; nothing is sent twice, so that every failure is seen.
import { randomUUID } from 'node:crypto';
import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { Drill } from './drill.ts';
import type { Postgres, Shop } from './world.ts';

const ANSWER_MS = 30_000;

export type Load = {
  /** How many answers of each status; transport errors by their code. */
  counts: Record<string, number>;
  /** The orders that were answered 201. */
  acknowledged: string[];
  /** The first few that were not, as text. */
  complaints: string[];
  sent: () => number;
  /** No new order from now on; resolves when the last is answered. */
  end: () => Promise<void>;
};

/** For https: the certificate to trust, and the name that stands in it. */
export type Trust = { ca: string; servername: string };

export function placeOrders(
  { onEnd }: Pick<Drill, 'onEnd'>,
  url: string,
  { token, sku }: Shop,
  { clients = 64, trust }: { clients?: number; trust?: Trust } = {},
): Load {
  const load = { counts: {} as Record<string, number>, acknowledged: [] as string[], complaints: [] as string[] };
  const target = new URL('/api/v1/orders', url);
  const isTls = target.protocol === 'https:';
  const body = JSON.stringify({ lines: [{ sku, quantity: 1 }] });
  const ended = new AbortController();
  let sent = 0;

  const count = (what: string) => (load.counts[what] = (load.counts[what] ?? 0) + 1);
  const complain = (text: string) => load.complaints.length < 5 && load.complaints.push(text.slice(0, 300));

  const post = (agent: HttpAgent) =>
    new Promise<void>((resolve) => {
      sent++;
      const headers = {
        ...(trust && { Host: trust.servername }),
        Authorization: `Bearer ${token}`,
        'Content-Type': 'application/json',
        'Content-Length': String(Buffer.byteLength(body)),
        'Idempotency-Key': randomUUID(),
      };
      const options = { method: 'POST', agent, headers, timeout: ANSWER_MS };
      const outgoing = isTls ? httpsRequest(target, options) : httpRequest(target, options);
      outgoing.once('timeout', () => outgoing.destroy(Object.assign(new Error('no answer'), { code: 'NO_ANSWER' })));
      outgoing.once('error', (error: NodeJS.ErrnoException) => {
        count(error.code ?? error.message);
        complain(error.message);
        resolve();
      });
      outgoing.once('response', (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (piece: string) => (text += piece));
        response.once('error', () => undefined); // 'close' follows
        response.once('close', () => {
          if (!response.complete) count('CUT');
          else if (response.statusCode === 201)
            load.acknowledged.push((JSON.parse(text) as { data: { id: string } }).data.id);
          else complain(`${response.statusCode} ${text}`);
          if (response.complete) count(String(response.statusCode));
          resolve();
        });
      });
      outgoing.end(body);
    });

  const customer = async () => {
    const options = { keepAlive: true, maxSockets: 1 };
    const agent = isTls ? new HttpsAgent({ ...options, ...trust }) : new HttpAgent(options);
    while (!ended.signal.aborted) await post(agent);
    agent.destroy();
  };
  const all = Promise.all(Array.from({ length: clients }, customer));
  const end = async () => {
    ended.abort();
    await all;
  };
  onEnd(end);
  return { ...load, sent: () => sent, end };
}

/** Nothing failed, and every acknowledged order is there exactly once, and no other. */
export async function judge({ check }: Pick<Drill, 'check'>, { sql }: Postgres, load: Load): Promise<void> {
  check(
    'no request failed',
    Object.keys(load.counts).every((what) => what === '201'),
    load.counts,
  );
  for (const complaint of load.complaints) check('an answer', false, complaint);
  const rows = await sql<{ id: string }>('SELECT id FROM orders.orders');
  const stored = new Set(rows.map(({ id }) => id));
  const lost = load.acknowledged.filter((id) => !stored.has(id));
  check(
    'no acknowledged order is lost',
    lost.length === 0,
    `${load.acknowledged.length} acknowledged, ${lost.length} lost`,
  );
  check('none is there twice', stored.size === load.acknowledged.length, `${stored.size} stored`);
}
