// Ends an HTTP server without failing anybody: clients are told to leave, and are given the time to.
import { once } from 'node:events';
import type { Server, ServerResponse } from 'node:http';
import { Server as TcpServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** How long a connection that is idle when we stop may still speak once more. */
const GRACE_MS = 1000;
const POLL_MS = 20;

/**
 * `server.close()` resets kept-alive connections on which a request may be on its way, and never tells clients that talk to leave.
 * Here every answer from now on says `Connection: close`, also of requests that run already; no new connection is taken; whoever
 * is idle has GRACE_MS for a last request; then idle connections are closed until none is left.
 */
export class HttpDrain {
  private readonly server: Server;
  private readonly running = new Set<ServerResponse>();
  private isDraining = false;

  /** Before the server listens: it has to see every request. */
  constructor(server: Server) {
    this.server = server;
    server.prependListener('request', (_request, response) => this.follow(response));
  }

  /** Resolves when the last connection has ended. */
  async finish(): Promise<void> {
    this.isDraining = true;
    for (const response of this.running) response.shouldKeepAlive = false;
    const closed = once(this.server, 'close');
    // Not http's close(), which ends idle connections at once.
    TcpServer.prototype.close.call(this.server);
    await Promise.race([closed, sleep(GRACE_MS, undefined, { ref: false })]);
    const idle = setInterval(() => this.server.closeIdleConnections(), POLL_MS);
    await closed.finally(() => clearInterval(idle));
  }

  private follow(response: ServerResponse): void {
    if (this.isDraining) response.shouldKeepAlive = false;
    this.running.add(response);
    response.once('close', () => this.running.delete(response));
  }
}
