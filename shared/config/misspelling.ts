// Finds the variable that a misspelt name was meant to be.

/**
 * The known name within two edits (one, for names under 8 letters), a swap of neighbours being one edit.
 * The first letter is the one that people get right: AMQP_URL is no SMTP_URL.
 * Names under 5 letters are never guessed at: PORTS, HOSTS and ROLES belong to other programs.
 */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  const candidates = known.filter((other) => other[0] === name[0] && Math.abs(other.length - name.length) <= 2);
  const measured = candidates.map((other) => ({ other, edits: editsBetween(name, other) }));
  const near = measured.filter(({ other, edits }) => edits <= editsAllowed(Math.min(name.length, other.length)));
  return near.toSorted((a, b) => a.edits - b.edits)[0]?.other;
}

function editsAllowed(length: number): number {
  if (length < 5) return 0;
  return length < 8 ? 1 : 2;
}

/** Optimal string alignment: Levenshtein, and neighbours swapped count as one edit. */
function editsBetween(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row += 1) {
    const current = nextRow(a, b, row, last, beforeLast);
    beforeLast = last;
    last = current;
  }
  return last[b.length] ?? a.length;
}

function nextRow(a: string, b: string, row: number, last: number[], beforeLast: number[]): number[] {
  const current = [row];
  for (let column = 1; column <= b.length; column += 1) {
    const changed = at(last, column - 1) + (a[row - 1] === b[column - 1] ? 0 : 1);
    const isSwap = a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
    const swapped = isSwap ? at(beforeLast, column - 2) + 1 : Infinity;
    current.push(Math.min(changed, swapped, at(last, column) + 1, at(current, column - 1) + 1));
  }
  return current;
}

function at(row: number[], column: number): number {
  return row[column] ?? Infinity;
}
