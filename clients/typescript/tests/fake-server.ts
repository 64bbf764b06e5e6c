// A Waybill of a few lines: answers are queued, requests are written down.
import { createClient, type ClientOptions } from '../src/index.ts';

export type Asked = { method: string; url: string; headers: Record<string, string>; body: unknown };
type Turn = (asked: Asked) => Response | Promise<Response>;

/** The last answer is given again and again. */
export function fakeServer(...turns: Turn[]) {
  const asked: Asked[] = [];
  const fetch = async (url: string, init: RequestInit): Promise<Response> => {
    init.signal?.throwIfAborted();
    const body: unknown = typeof init.body === 'string' ? JSON.parse(init.body) : null;
    const one = { method: String(init.method), url, headers: init.headers as Record<string, string>, body };
    asked.push(one);
    const turn = turns[Math.min(asked.length, turns.length) - 1];
    if (turn === undefined) throw new Error('no answer was queued');
    return turn(one);
  };
  const client = (options: Partial<ClientOptions> = {}) =>
    createClient({ baseUrl: 'http://waybill.test/', fetch: fetch as typeof globalThis.fetch, ...options });
  return { asked, client };
}

export const answer =
  (status: number, body: object, headers: Record<string, string> = {}): Turn =>
  () =>
    Response.json(body, { status, headers });

export const problem =
  (status: number, code: string, headers: Record<string, string> = {}): Turn =>
  () =>
    new Response(
      JSON.stringify({ type: '/docs/errors/x', title: code, status, instance: '/', code, requestId: 'r1' }),
      {
        status,
        headers: { 'Content-Type': 'application/problem+json', ...headers },
      },
    );

export const lost: Turn = () => {
  throw new TypeError('fetch failed');
};

export const order = { data: { id: 'o1' } };
export const lines = { body: { lines: [{ sku: 'MUG', quantity: 1 }] } };
