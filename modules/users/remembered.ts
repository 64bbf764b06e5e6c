// What was read a moment ago about a caller, so that a busy one does not cost a read per request.
import { LRUCache } from 'lru-cache';

const REMEMBERED_MAX = 5000;
/** For so long a logout, a new role, a disabled account or a revoked key may go unnoticed by other processes. */
const REMEMBERED_MS = 1000;

/**
 * The promise is remembered, not its answer: requests that come together share one read, its age counts from its
 * start, and a read that began before something was forgotten cannot be remembered after it.
 */
export class Remembered<Found> {
  private readonly readings = new LRUCache<string, Promise<Found>>({ max: REMEMBERED_MAX, ttl: REMEMBERED_MS });
  private readonly count: (isHit: boolean) => void;

  constructor(count: (isHit: boolean) => void) {
    this.count = count;
  }

  find(key: string, read: () => Promise<Found>): Promise<Found> {
    const remembered = this.readings.get(key);
    this.count(remembered !== undefined);
    if (remembered !== undefined) return remembered;
    const reading = read();
    this.readings.set(key, reading);
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
