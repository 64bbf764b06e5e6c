// How long to wait before the next attempt: pure, so that it can be read and tested as a table.

const FIRST_MS = 1000;
const LONGEST_MS = 10 * 60_000;

/** After this many attempts a delivery is dead: about an hour. */
export const ATTEMPTS_MAX = 15;

/** @param attempts attempts made so far (≥ 1) @param random 0 ≤ random < 1, full range gives ±50 % jitter @returns ms */
export function backOffMs(attempts: number, random: number): number {
  const base = Math.min(FIRST_MS * 2 ** (attempts - 1), LONGEST_MS);
  return Math.round(base * (0.5 + random));
}
