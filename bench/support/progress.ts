// What is being done: on a terminal a bar that moves, elsewhere a line for each thing that is begun; on stderr, so that tables can be piped.

const WIDTH = 24;

export class Progress {
  private readonly begin = performance.now();
  private last = '';

  /** @param share of it that is done, 0 to 1 */
  tell(what: string, share: number): void {
    if (process.stderr.isTTY) {
      const full = Math.round(share * WIDTH);
      const bar = `${'█'.repeat(full)}${'░'.repeat(WIDTH - full)}`;
      process.stderr.write(`\r\u001B[2K${bar} ${String(Math.round(share * 100)).padStart(3)} %  ${what}`);
    } else this.tellLine(what);
  }

  /** Leaves the line to who speaks next. */
  end(): void {
    if (process.stderr.isTTY) process.stderr.write('\r\u001B[2K');
  }

  private tellLine(what: string): void {
    const [thing = ''] = what.split(': ', 1);
    if (thing === this.last) return;
    this.last = thing;
    process.stderr.write(`${Math.round((performance.now() - this.begin) / 1000)} s: ${thing}\n`);
  }
}
