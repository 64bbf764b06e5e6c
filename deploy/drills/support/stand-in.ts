// A replica of which a drill decides how it answers, to see what a proxy makes of it.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import type { Drill } from './drill.ts';
import { freePort } from './processes.ts';

export type StandIn = {
  port: number;
  /** What came, but for the questions after its health. */
  seen: IncomingMessage[];
  /** When the last of them came. */
  seenAt: number;
  isReady: boolean;
  /** How it answers from now on. */
  answer: RequestListener;
  stop: () => Promise<void>;
};

export async function startStandIn({ onEnd }: Pick<Drill, 'onEnd'>): Promise<StandIn> {
  const port = await freePort();
  const server = createServer({ keepAliveTimeout: 65_000 }, (request, response) => {
    if (request.url === '/ready') return void response.writeHead(standIn.isReady ? 200 : 503).end();
    standIn.seenAt = performance.now();
    standIn.seen.push(request);
    standIn.answer(request, response);
  });
  const stop = async () => {
    server.close();
    server.closeAllConnections();
    if (server.listening) await once(server, 'close');
  };
  const standIn: StandIn = { port, seen: [], seenAt: 0, isReady: true, answer: ok, stop };
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  onEnd(stop);
  return standIn;
}

export const ok: RequestListener = (request, response) =>
  void request.resume().once('end', () => response.setHeader('Content-Type', 'application/json').end('{}'));

/** As one that dies when it has read the request. */
export const hangUp: RequestListener = (request) => void request.resume().once('end', () => request.socket.destroy());

export const busy: RequestListener = (request, response) =>
  void request.resume().once('end', () => response.writeHead(503, { 'Retry-After': '1' }).end());
