// What the programs of a drill have logged: why it failed is often there.

const TOLD_MAX = 5;
const logs: { name: string; log: string[] }[] = [];

export function keepLog(name: string, log: string[]): void {
  logs.push({ name, log });
}

/** The last errors of each program of ours, and the last troubles that it only warned of. */
export function loggedErrors(): string[] {
  return logs.flatMap(({ name, log }) =>
    [/"level":"(error|fatal)"/, /"level":"warn".*"err":/].flatMap((kind) =>
      log
        .filter((line) => kind.test(line))
        .slice(-TOLD_MAX)
        .map((line) => `${name}: ${line}`),
    ),
  );
}
