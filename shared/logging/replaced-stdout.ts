// Where lines go when a supervisor has put itself in the place of process.stdout.write, as PM2 does in its workers to collect them.
import type { DestinationStream } from 'pino';

/** Written past it, to descriptor 1, they would end in the log of PM2 itself. */
export const isStdoutReplaced = (): boolean => Object.hasOwn(process.stdout, 'write');

export class ReplacedStdout implements DestinationStream {
  private last: Promise<void> = Promise.resolve();

  write(line: string): void {
    this.last = new Promise((resolve) => process.stdout.write(line, 'utf8', () => resolve()));
  }

  /** It writes when it likes; pino's `flush` waits for the last line. */
  flush(then: () => void): void {
    void this.last.then(then);
  }
}
