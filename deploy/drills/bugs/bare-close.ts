// A planted bug that the drain drill must find, in the place of shared/lifecycle/http-drain.ts: nobody is told to leave.
import { once } from 'node:events';
import type { Server } from 'node:http';

export class HttpDrain {
  private readonly server: Server;

  constructor(server: Server) {
    this.server = server;
  }

  async finish(): Promise<void> {
    const closed = once(this.server, 'close');
    this.server.close();
    await closed;
  }
}
