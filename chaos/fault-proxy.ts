// A wire to the database that can be made bad: late, refused, reset, silent, or cut when the answer is on its way.
import { once } from 'node:events';
import { connect, createServer, type NetConnectOpts, type Server, type Socket } from 'node:net';

export type Fault =
  | { kind: 'none' }
  /** Every piece comes so much later, in order. */
  | { kind: 'latency'; ms: number }
  /** Nobody listens, and who was connected is reset. */
  | { kind: 'refuse' }
  /** Connections are taken and reset at once. */
  | { kind: 'reset' }
  /** Connections are taken, and nothing ever passes. */
  | { kind: 'blackhole' }
  /** What fits is passed on, and the connection is cut when the answer comes: it was done, and nobody is told. */
  | { kind: 'cut'; fits: (asked: Buffer) => boolean };

export class FaultProxy {
  readonly port: number;
  private readonly target: NetConnectOpts;
  private readonly server: Server;
  private readonly links = new Set<[Socket, Socket]>();
  private fault: Fault = { kind: 'none' };
  /** How many answers were cut off. */
  cuts = 0;

  private constructor(port: number, target: NetConnectOpts) {
    this.port = port;
    this.target = target;
    this.server = createServer((near) => this.link(near));
  }

  static async start(port: number, target: NetConnectOpts): Promise<FaultProxy> {
    const proxy = new FaultProxy(port, target);
    await proxy.listen();
    return proxy;
  }

  async set(fault: Fault): Promise<void> {
    const wasRefusing = this.fault.kind === 'refuse';
    this.fault = fault;
    if (fault.kind === 'refuse') this.server.close();
    else if (wasRefusing) await this.listen();
    if (fault.kind === 'refuse' || fault.kind === 'reset') this.resetAll();
  }

  stop(): void {
    this.server.close();
    this.resetAll();
  }

  private async listen(): Promise<void> {
    this.server.listen(this.port, '127.0.0.1');
    await once(this.server, 'listening');
  }

  private resetAll(): void {
    for (const link of this.links) reset(link);
  }

  private link(near: Socket): void {
    if (this.fault.kind === 'reset') return void near.on('error', () => undefined).resetAndDestroy();
    const far = connect(this.target);
    const link: [Socket, Socket] = [near, far];
    this.links.add(link);
    let isDoomed = false;
    for (const end of link) {
      end.on('error', () => reset(link)).on('close', () => reset(link));
      end.once('close', () => this.links.delete(link));
    }
    near.on('data', (asked) => {
      isDoomed ||= this.fault.kind === 'cut' && this.fault.fits(asked);
      this.pass(asked, far);
    });
    far.on('data', (answer) => {
      if (!isDoomed) return this.pass(answer, near);
      this.cuts++;
      reset(link);
    });
  }

  private pass(bytes: Buffer, to: Socket): void {
    if (this.fault.kind === 'blackhole') return;
    // Timers of one delay fire in the order in which they were set.
    if (this.fault.kind === 'latency') setTimeout(() => to.write(bytes), this.fault.ms);
    else to.write(bytes);
  }
}

/** A Unix socket on the far side knows no reset. */
function reset([near, far]: [Socket, Socket]): void {
  if (!near.destroyed) near.resetAndDestroy();
  far.destroy();
}
