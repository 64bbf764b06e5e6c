// What was read a moment ago, so that what many ask for does not cost a read each time: bounded in number and age.
import { LRUCache } from 'lru-cache';

type Options = {
  max: number;
  /** Counted from the start of the read. */
  ttlMs: () => number;
  /** Told of each look. */
  count: (isHit: boolean) => void;
};

/**
 * The promise is remembered, not its answer: requests that come together share one read, its age counts from its
 * start, and a read that began before something was forgotten cannot be remembered after it.
 */
export class Remembered<Found> {
  private readonly readings: LRUCache<string, Promise<Found>>;
  private readonly options: Options;

  constructor(options: Options) {
    this.options = options;
    this.readings = new LRUCache({ max: options.max });
  }

  find(key: string, read: () => Promise<Found>): Promise<Found> {
    return this.recall(key) ?? this.remember(key, read());
  }

  /** One read for all that is not remembered. @param read answers in the order of what it is asked for */
  findAll(keys: string[], read: (missing: string[]) => Promise<Found[]>): Promise<Found[]> {
    const recalled = keys.map((key) => this.recall(key));
    const missing = keys.filter((_, i) => recalled[i] === undefined);
    if (missing.length > 0) {
      const reading = read(missing);
      for (const [i, key] of missing.entries()) {
        // As many as were asked for.
        recalled[keys.indexOf(key)] = this.remember(key, reading.then((found) => found[i] as Found)); // prettier-ignore
      }
    }
    return Promise.all(recalled as Promise<Found>[]);
  }

  private recall(key: string): Promise<Found> | undefined {
    const remembered = this.readings.get(key);
    this.options.count(remembered !== undefined);
    return remembered;
  }

  /** What failed or is not there is not kept: made-up keys crowd out nothing. */
  private remember(key: string, reading: Promise<Found>): Promise<Found> {
    const drop = () => {
      if (this.readings.peek(key) === reading) this.readings.delete(key);
    };
    this.readings.set(key, reading, { ttl: this.options.ttlMs() });
    reading.then((found) => found === undefined && drop(), drop);
    return reading;
  }

  forget(key: string): void {
    this.readings.delete(key);
  }

  forgetAll(): void {
    this.readings.clear();
  }
}
