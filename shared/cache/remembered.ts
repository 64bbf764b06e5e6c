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
    const remembered = this.readings.get(key);
    this.options.count(remembered !== undefined);
    if (remembered !== undefined) return remembered;
    const reading = read();
    this.readings.set(key, reading, { ttl: this.options.ttlMs() });
    reading.catch(() => {
      if (this.readings.peek(key) === reading) this.readings.delete(key);
    });
    return reading;
  }

  forget(key: string): void {
    this.readings.delete(key);
  }

  forgetAll(): void {
    this.readings.clear();
  }
}
