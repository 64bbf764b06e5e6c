// A client that costs little: one kept-alive connection, one request at a time, no more of HTTP/1.1 than the servers here speak.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export type Answer = { status: number; head: string; body: Buffer };

type Waiting = { resolve: (answer: Answer) => void; reject: (error: Error) => void };

const NOTHING = Buffer.alloc(0);

export class Connection {
  private readonly socket: Socket;
  private waiting: Waiting | null = null;
  private held: Buffer = NOTHING;
  isOpen = true;

  static async open(port: number): Promise<Connection> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    await once(socket, 'connect');
    return new Connection(socket);
  }

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (piece: Buffer) => this.hear(piece));
    socket.on('error', (error) => this.end(error));
    socket.on('close', () => this.end(Object.assign(new Error('closed'), { code: 'CLOSED' })));
  }

  /** @param request all of it, in ASCII */
  ask(request: string): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.waiting = { resolve, reject };
      this.socket.write(request, 'latin1');
    });
  }

  close(): void {
    this.socket.destroy();
  }

  private hear(piece: Buffer): void {
    this.held = this.held.length === 0 ? piece : Buffer.concat([this.held, piece]);
    const { waiting } = this;
    try {
      const answer = readAnswer(this.held);
      if (answer === null || waiting === null) return;
      this.held = NOTHING;
      this.waiting = null;
      waiting.resolve(answer);
    } catch (error) {
      this.end(error instanceof Error ? error : new Error(String(error)));
    }
  }

  private end(error: Error): void {
    this.isOpen = false;
    this.waiting?.reject(error);
    this.waiting = null;
    this.socket.destroy();
  }
}

/** @returns null while there is more to come */
function readAnswer(bytes: Buffer): Answer | null {
  const headEnd = bytes.indexOf('\r\n\r\n');
  if (headEnd < 0) return null;
  const head = bytes.toString('latin1', 0, headEnd);
  const status = Number(head.slice(9, 12));
  const bodyBegin = headEnd + 4;
  const bodyEnd = bodyBegin + lengthOf(status, head);
  return bytes.length < bodyEnd ? null : { status, head, body: bytes.subarray(bodyBegin, bodyEnd) };
}

const contentLength = /^content-length: *(\d+)/im;

function lengthOf(status: number, head: string): number {
  const length = contentLength.exec(head)?.[1];
  if (length !== undefined) return Number(length);
  if (status === 204 || status === 304) return 0;
  throw new Error(`an answer without Content-Length:\n${head}`);
}

export function headerOf(head: string, name: string): string | undefined {
  return new RegExp(`^${name}: *([^\\r]*)`, 'im').exec(head)?.[1];
}

export type Question = {
  method?: string;
  path: string;
  token?: string;
  body?: object;
  headers?: Record<string, string>;
};

/** The text of a request; a host, an agent and what is accepted, as every real client says them. */
export function requestOf({ method = 'GET', path, token, body, headers = {} }: Question): string {
  const text = body === undefined ? '' : JSON.stringify(body);
  const all = {
    Host: 'shop.example.com',
    'User-Agent': 'bench',
    Accept: 'application/json',
    ...(token !== undefined && { Authorization: `Bearer ${token}` }),
    ...(body !== undefined && {
      'Content-Type': 'application/json',
      'Content-Length': String(Buffer.byteLength(text)),
    }),
    ...headers,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`);
  return [`${method} ${path} HTTP/1.1`, ...lines, '', text].join('\r\n');
}
