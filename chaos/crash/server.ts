// Servers under test: real child processes, one running and one spare that is loaded but not started, so that a restart takes 0.2 s.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Aim, FromServer, Step, ToServer } from '../kill-switch.ts';

const START_MS = 30_000;
const LINES_KEPT = 20;

/** `folder` is the compiled program. */
export type Program = { folder: string; env: Record<string, string>; preloads: string[] };

const children = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL');
});

export class Server {
  url = '';
  /** The step at which it killed itself. */
  killedAt: Step | null = null;
  readonly exited: Promise<void>;
  readonly loaded: Promise<unknown>;
  private readonly child: ChildProcess;
  private readonly complaints: string[] = [];
  private hearUrl: (url: string) => void = () => undefined;

  constructor({ folder, env, preloads }: Program) {
    const imports = preloads.flatMap((preload) => ['--import', preload]);
    this.child = spawn(process.execPath, [...imports, 'server.js'], {
      cwd: folder,
      env,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    children.add(this.child);
    this.exited = once(this.child, 'exit').then(() => void children.delete(this.child));
    this.loaded = this.answer('load');
    this.loaded.catch(() => undefined); // heard when it is started
    this.listen();
  }

  async start(): Promise<void> {
    await this.loaded;
    const url = new Promise<string>((resolve) => (this.hearUrl = resolve));
    this.send({ do: 'start' });
    this.url = await this.orDead(url, 'start');
  }

  async arm(aim: Aim): Promise<void> {
    const armed = this.answer('arm');
    this.send({ do: 'arm', aim });
    await armed;
  }

  /** What the armed request has done so far. */
  async steps(): Promise<Step[]> {
    const told = this.answer('tell');
    this.send({ do: 'tell' });
    return (await told).steps;
  }

  async kill(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.exited;
  }

  /** What it last warned of, for reports. */
  get lastWords(): string[] {
    return this.complaints;
  }

  private send(message: ToServer): void {
    this.child.send(message, () => undefined); // a dead one is noticed by who waits for its answer
  }

  private answer<Did extends FromServer['did']>(did: Did): Promise<Extract<FromServer, { did: Did }>> {
    const answered = new Promise<Extract<FromServer, { did: Did }>>((resolve) => {
      const hear = (message: FromServer) => {
        if (message.did !== did) return;
        this.child.off('message', hear);
        resolve(message as Extract<FromServer, { did: Did }>);
      };
      this.child.on('message', hear);
    });
    return this.orDead(answered, did);
  }

  private async orDead<T>(wanted: Promise<T>, what: string): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      const fail = (reason: string) =>
        reject(new Error(`the server did not ${what}: ${reason}\n${this.complaints.join('\n')}`));
      timer = setTimeout(fail, START_MS, 'no answer in 30 s');
      void this.exited.then(() => fail('it has exited'));
    });
    return Promise.race([wanted, late]).finally(() => clearTimeout(timer));
  }

  private listen(): void {
    const { stdout, stderr } = this.child;
    if (stdout === null || stderr === null) throw new Error('the server has no output');
    createInterface({ input: stdout }).on('line', (line) => this.hear(line));
    createInterface({ input: stderr }).on('line', (line) => this.hearLastWord(line));
  }

  private hear(line: string): void {
    const { msg, port, level } = parsed(line) as { msg?: string; port?: number; level?: string };
    if (msg === 'listening') this.hearUrl(`http://127.0.0.1:${port}`);
    if (level === 'warn' || level === 'error' || level === 'fatal') this.keep(line);
  }

  private hearLastWord(line: string): void {
    const { killedAt } = parsed(line) as { killedAt?: Step };
    if (killedAt === undefined) this.keep(line);
    else this.killedAt = killedAt;
  }

  private keep(line: string): void {
    this.complaints.push(line.slice(0, 400));
    if (this.complaints.length > LINES_KEPT) this.complaints.shift();
  }
}

function parsed(line: string): object {
  try {
    return JSON.parse(line) as object;
  } catch {
    return {};
  }
}

/** Always one server that runs and one that is ready to. */
export class Restarter {
  private readonly program: Program;
  private spare: Server;

  constructor(program: Program) {
    this.program = program;
    this.spare = new Server(program);
  }

  async next(): Promise<Server> {
    const server = this.spare;
    await server.start();
    this.spare = new Server(this.program);
    return server;
  }

  async stop(): Promise<void> {
    await this.spare.kill();
  }
}
