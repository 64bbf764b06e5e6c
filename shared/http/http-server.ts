// The HTTP server: how long, how much and how many it bears, and what it says to those whose bytes are no request.
import { createServer, IncomingMessage, ServerResponse, STATUS_CODES, type Server } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Express } from 'express';
import { newId } from '../domain/ids.ts';
import { AppError, malformed } from '../errors/app-error.ts';
import type { Logger } from '../logging/logger.ts';
import { problemOf, PROBLEM_TYPE, statusOf } from './problem.ts';

/**
 * All of them end what a client sends slowly, none ends an answer: an export may take minutes. Node looks every
 * `connectionsCheckingInterval` (30 s by itself, in which 700 silent sockets stay). Idle connections outlive those of a proxy
 * (60 s and less), which else would speak into one that is just being closed.
 */
const bounds = {
  headersTimeout: 10_000,
  requestTimeout: 15_000,
  keepAliveTimeout: 65_000,
  connectionsCheckingInterval: 1000,
  maxHeaderSize: 16 * 1024,
  requireHostHeader: false, // is asked for below: Node refuses without a word
};

export type HttpServerOptions = { connectionsMax: number; logger: Logger };

export function createHttpServer(app: Express, { connectionsMax, logger }: HttpServerOptions): Server {
  const server = createServer({ ...bounds, ...classesOf(app) }, (request, response) => {
    if (isForUs(request)) return app(request, response);
    const { status, headers, body } = spoken(notARequest('Name a path, and the host it is asked of.'), logger);
    response.writeHead(status, headers).end(body);
  });
  // One too many is closed. In a cluster it would be handed from worker to worker for ever, unless it is dropped.
  Object.assign(server, { maxConnections: connectionsMax, dropMaxConnection: true });
  const underWay = new WeakMap<Duplex, ServerResponse>();
  server.prependListener('request', (request, response) => underWay.set(request.socket, response));
  server.on('clientError', (error: NodeJS.ErrnoException, socket) =>
    endWith(socket, underWay.get(socket), () => spoken(refusalOf(error), logger)),
  );
  server.on('connect', (_request, socket) =>
    endWith(socket, undefined, () => spoken(notARequest('This server is no proxy.'), logger)),
  );
  return server;
}

/**
 * Express gives each request and response the app's prototype. Here they are born with it, and nothing changes: on Node 20 and 22
 * the change costs more than all the rest of Express (decision 0026).
 */
function classesOf(app: Express) {
  class Request extends IncomingMessage {}
  class Response<For extends IncomingMessage> extends ServerResponse<For> {}
  app.request = Object.setPrototypeOf(Request.prototype, app.request) as Express['request'];
  app.response = Object.setPrototypeOf(Response.prototype, app.response) as Express['response'];
  return { IncomingMessage: Request, ServerResponse: Response };
}

/** Express has no route, and no error handler either, for a target that it cannot parse. */
function isForUs({ url = '', headers, httpVersion }: IncomingMessage): boolean {
  const hasHost = headers.host !== undefined || httpVersion !== '1.1';
  return hasHost && (url.startsWith('/') || url === '*' || URL.canParse(url));
}

type Spoken = { status: number; headers: Record<string, string>; body: string };

/** A request that came whole gets its own answer first: an order must not look refused because of what was sent after it. */
function endWith(socket: Duplex, response: ServerResponse | undefined, refuse: () => Spoken): void {
  const isAnswering = response !== undefined && !response.writableEnded;
  if (isAnswering && response.req.complete) {
    response.shouldKeepAlive = false;
    response.once('close', () => socket.destroy());
  } else if (!socket.writable || (isAnswering && response.headersSent)) socket.destroy();
  else socket.end(byHand(refuse()), () => socket.destroy());
}

/** Where there is no response to write to. */
function byHand({ status, headers, body }: Spoken): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  return [`HTTP/1.1 ${status} ${STATUS_CODES[status]}`, ...lines, '', body].join('\r\n');
}

function spoken(refusal: AppError, logger: Logger): Spoken {
  const requestId = newId();
  const status = statusOf[refusal.kind];
  logger.warn({ requestId, code: refusal.code, status }, 'not a request');
  const body = JSON.stringify(problemOf(refusal, { instance: '/', requestId }));
  const headers = {
    'Content-Type': PROBLEM_TYPE,
    'Content-Length': String(Buffer.byteLength(body)),
    'Cache-Control': 'no-store',
    'X-Request-Id': requestId,
    Connection: 'close',
  };
  return { status, headers, body };
}

/** Node's and llhttp's codes (https://nodejs.org/api/errors.html). */
function refusalOf({ code }: NodeJS.ErrnoException): AppError {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT')
    return new AppError('timed_out', 'request_timed_out', 'The request did not arrive in time.');
  if (code === 'HPE_HEADER_OVERFLOW')
    return new AppError('headers_too_large', 'headers_too_large', 'The head of a request takes 16 kB.');
  if (code === 'HPE_CHUNK_EXTENSIONS_OVERFLOW')
    return new AppError('too_large', 'body_too_large', 'The extensions of the chunks are too large.');
  return notARequest('This is not a request of HTTP/1.1.');
}

const notARequest = (detail: string): AppError => malformed('malformed_request', detail);
