// A count of hits by key and window of time, and who else may keep it while the keeper is away.
import type { Logger } from '../logging/logger.ts';

/** `resetMs`: how long until the window ends and the count begins anew. */
export type Hits = { count: number; resetMs: number };

export type HitCounter = {
  name: string;
  /** Counts one more. Answers or rejects in less than 300 ms, whatever has become of the keeper. */
  hit: (key: string, windowMs: number) => Promise<Hits>;
};

/** So long one that did not answer is left alone: of all callers in this time only the first has waited for it. */
const REST_MS = 1000;

/** After a failure it is not asked for a while, then by one caller; the log has a line when it goes and one when it is back. */
export function resting(counter: HitCounter, logger: Logger): HitCounter {
  let restsUntil: number | null = null;
  const fail = (error: unknown) => {
    if (restsUntil === null) logger.warn({ err: error, counter: counter.name }, 'limits are counted without it');
    restsUntil = performance.now() + REST_MS;
  };
  const answer = (hits: Hits) => {
    if (restsUntil !== null) logger.info({ counter: counter.name }, 'limits are counted with it again');
    restsUntil = null;
    return hits;
  };
  return {
    name: counter.name,
    hit: async (key, windowMs) => {
      if (restsUntil !== null && performance.now() < restsUntil) throw new Error(`${counter.name} rests`);
      if (restsUntil !== null) restsUntil = performance.now() + REST_MS;
      return counter.hit(key, windowMs).then(answer, (error: unknown) => {
        fail(error);
        throw error;
      });
    },
  };
}
