// Ends an HTTP server without failing anybody: clients are told to leave, and are given the time to.
import { once } from 'node:events';
import type { Server, ServerResponse } from 'node:http';
import { Server as TcpServer, type Socket } from 'node:net';
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';

/** How long a connection that is idle when we stop may still speak once more. */
const GRACE_MS = 1000;
const POLL_MS = 20;
/** Under load there is always one more; whoever is left then has to be tried again. */
const ACCEPT_MS = 1000;

/**
 * `server.close()` resets kept-alive connections on which a request may be on its way, and never tells clients that talk to leave.
 * Here every answer from now on says `Connection: close`, also of requests that run already; no new connection is taken; whoever
 * is idle has GRACE_MS for a last request; then idle connections are closed until none is left.
 */
export class HttpDrain {
  private readonly server: Server;
  /**
   * Each connection's newest answer while it runs. By connection, for a Set of the answers would be made anew every few requests, and V8
   * chains its old tables: one of them in the old space keeps all requests after it from dying young (a tenth of the time of a read).
   */
  private readonly running = new Map<Socket, ServerResponse | null>();
  private isDraining = false;

  /** Before the server listens: it has to see every request. */
  constructor(server: Server) {
    this.server = server;
    server.on('connection', (socket) => {
      this.running.set(socket, null);
      socket.once('close', () => this.running.delete(socket));
    });
    server.prependListener('request', ({ socket }, response) => this.follow(socket, response));
  }

  /** Resolves when the last connection has ended. */
  async finish(): Promise<void> {
    this.isDraining = true;
    for (const response of this.running.values()) if (response !== null) response.shouldKeepAlive = false;
    const closed = once(this.server, 'close');
    await this.acceptWaiting();
    // Not http's close(), which ends idle connections at once.
    TcpServer.prototype.close.call(this.server);
    await Promise.race([closed, sleep(GRACE_MS, undefined, { ref: false })]);
    // Immediates come after reading: what has arrived by now, on a machine that is busy perhaps long ago, is a request and not idle.
    const idle = setInterval(() => setImmediate(() => this.server.closeIdleConnections()), POLL_MS);
    await closed.finally(() => clearInterval(idle));
  }

  /**
   * Closing resets connections that the kernel has made and we have not taken, requests and all. We take one a turn of the event loop,
   * so two turns without any mean that none waits.
   */
  private async acceptWaiting(): Promise<void> {
    const deadline = performance.now() + ACCEPT_MS;
    let turnsWithout = 0;
    const onConnection = () => void (turnsWithout = 0);
    this.server.on('connection', onConnection);
    while (turnsWithout++ < 2 && performance.now() < deadline) await turn();
    this.server.off('connection', onConnection);
  }

  private follow(socket: Socket, response: ServerResponse): void {
    if (this.isDraining) {
      // Sent together: only the last of them may say that it is the last, or the others go without an answer.
      const before = this.running.get(socket);
      if (before) before.shouldKeepAlive = true;
      response.shouldKeepAlive = false;
    }
    this.running.set(socket, response);
    response.once('close', () => this.running.get(socket) === response && this.running.set(socket, null));
  }
}
