// Where the lines of requests go: those of one turn of the event loop are written together, as each write is a system call.
import type { DestinationStream } from 'pino';

let unwritten: LinesPerTurn[] = [];
// Only a SIGKILL takes lines with it: those of requests that ended in this very turn.
process.on('exit', writeAll);

export class LinesPerTurn implements DestinationStream {
  private readonly stream: DestinationStream;
  private lines = '';

  constructor(stream: DestinationStream) {
    this.stream = stream;
  }

  write(line: string): void {
    if (this.lines === '') {
      if (unwritten.length === 0) setImmediate(writeAll);
      unwritten.push(this);
    }
    this.lines += line;
  }

  flush(): void {
    const { lines } = this;
    this.lines = '';
    this.stream.write(lines);
  }
}

function writeAll(): void {
  const all = unwritten;
  unwritten = [];
  for (const one of all) one.flush();
}
