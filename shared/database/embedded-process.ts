/** Runs a program of PostgreSQL in such a way that it never outlives this process, not even after SIGKILL. */
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { Socket } from 'node:net';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';

export type Account = { uid: number; gid: number };

type Output = (line: string) => void;

const lastLinesMax = 12;
// Fast shutdown writes a checkpoint; when that takes too long, immediate shutdown recovers from the log at the next start.
const farewells: [NodeJS.Signals, number][] = [
  ['SIGINT', 10_000],
  ['SIGQUIT', 5_000],
  ['SIGKILL', 0],
];

/**
 * The shell leaves a watchdog behind and becomes the program, so the program has the pid of our child. The watchdog reads our pipe: a line is
 * a farewell, end of file means that we died. It is forked twice, or the postmaster would have a child that it does not know.
 */
const watched = `
exec 3<&0 </dev/null 2>&1
( (
  read -r farewell && exit 0
  kill -INT $$ || exit 0
  for second in 1 2 3 4 5 6 7 8; do sleep 1; kill -0 $$ || exit 0; done
  kill -QUIT $$
) <&3 >/dev/null 2>&1 & )
exec "$@" 3<&-
`;

export class Program {
  /** Resolves to its exit code, or to null when a signal ended it. */
  readonly exited: Promise<number | null>;
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #lines: string[] = [];
  #isRunning = true;

  constructor(command: string[], account: Account, onOutput: Output = () => {}) {
    // A session of its own: the terminal's Ctrl-C reaches the app only, which drains before it stops its database.
    const options = { ...surroundings(account), detached: true };
    this.#child = spawn('/bin/sh', ['-c', watched, 'sh', ...command], {
      ...options,
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    this.#child.stdin.on('error', () => {}); // the watchdog may be gone before us
    createInterface({ input: this.#child.stdout }).on('line', (line) => this.#hear(line, onOutput));
    this.exited = this.#untilExit();
    this.exited.catch(() => {}); // heard by whoever waits for it
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get isRunning(): boolean {
    return this.#isRunning;
  }

  /** For error messages. */
  get lastWords(): string {
    return this.#lines.join('\n');
  }

  /** Lets this process end while the program runs; the watchdog then stops it. */
  unref(): void {
    this.#child.unref();
    for (const stream of [this.#child.stdin, this.#child.stdout]) if (stream instanceof Socket) stream.unref();
  }

  /** SIGINT, then SIGQUIT, then SIGKILL; resolves when it is gone, which takes at most 15 s. */
  async end(): Promise<void> {
    this.#child.ref();
    for (const [signal, patienceMs] of farewells) {
      if (!this.#isRunning) return;
      this.#child.kill(signal);
      await Promise.race([this.exited, sleep(patienceMs, undefined, { ref: false })]);
    }
    await this.exited;
  }

  async #untilExit(): Promise<number | null> {
    try {
      const [code] = await once(this.#child, 'exit');
      return typeof code === 'number' ? code : null;
    } finally {
      this.#isRunning = false;
      this.#child.stdin.end('farewell\n');
    }
  }

  #hear(line: string, onOutput: Output): void {
    this.#lines.push(line);
    if (this.#lines.length > lastLinesMax) this.#lines.shift();
    onOutput(line);
  }
}

/** Nothing of the caller's surroundings: PGPORT or a foreign locale would change what PostgreSQL does, and `/` is readable by every account. */
export function surroundings(account: Account): { uid: number; gid: number; cwd: string; env: NodeJS.ProcessEnv } {
  return { ...account, cwd: '/', env: { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' } };
}
