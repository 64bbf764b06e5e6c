// All that this process remembers: who hears of changes that others make may remember for long, who does not hear may not.
import type { Metrics } from '../metrics/metrics.ts';
import { Remembered } from './remembered.ts';

/** For so long, at most, what another process has changed is still told by one that does not hear of it. */
const DEAF_TTL_MS = 1000;

type Rules = {
  /** As it stands in `cache_requests_total` and in what others notify. */
  name: string;
  max: number;
  ttlMs: number;
};

type Forgetful = { forget: (key: string) => void; forgetAll: () => void };

export class Caches {
  private readonly metrics: Metrics;
  private readonly caches = new Map<string, Forgetful>();
  private hearing = false;

  constructor(metrics: Metrics) {
    this.metrics = metrics;
  }

  make<Found>({ name, max, ttlMs }: Rules): Remembered<Found> {
    const cache = new Remembered<Found>({
      max,
      ttlMs: () => (this.hearing ? ttlMs : Math.min(ttlMs, DEAF_TTL_MS)),
      count: this.metrics.cacheCounter(name),
    });
    this.caches.set(name, cache);
    return cache;
  }

  /** Another process, or whoever else, has changed this. */
  forget(name: string, key: string): void {
    this.caches.get(name)?.forget(key);
  }

  /** From now on every change is heard; what changed until now may not have been. */
  hear(): void {
    this.forgetAll();
    this.hearing = true;
  }

  /** What is remembered now grew old while nobody may have listened. */
  deafen(): void {
    this.hearing = false;
    this.forgetAll();
  }

  private forgetAll(): void {
    for (const cache of this.caches.values()) cache.forgetAll();
  }
}
