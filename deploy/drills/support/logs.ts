// What the programs of a drill have logged: why it failed is often there.

const TOLD_MAX = 5;
const logs: { name: string; log: string[] }[] = [];

export function keepLog(name: string, log: string[]): void {
  logs.push({ name, log });
}

/** The last errors of each program of ours; warnings are told even when all is well. */
export function loggedErrors(): string[] {
  const isError = (line: string) => /"level":"(error|fatal)"/.test(line);
  return logs.flatMap(({ name, log }) =>
    log
      .filter(isError)
      .slice(-TOLD_MAX)
      .map((line) => `${name}: ${line}`),
  );
}
