// Hits counted in the memory of this process: bounded, and by a clock that nobody sets.
import { LRUCache } from 'lru-cache';
import type { Hits } from './hit-counter.ts';

/** About 15 MB; a limit per address does not stop who comes from more addresses than that in one window. */
const KEYS_MAX = 50_000;

type Window = { count: number; endsAt: number };

export class LocalCounter {
  private readonly windows = new LRUCache<string, Window>({ max: KEYS_MAX });

  hit(key: string, windowMs: number): Hits {
    const window = this.windows.get(key);
    const resetMs = window === undefined ? 0 : window.endsAt - performance.now();
    if (window === undefined || resetMs <= 0) return this.learn(key, { count: 1, resetMs: windowMs });
    // In place: a new object for each hit would die in the old heap.
    return { count: ++window.count, resetMs };
  }

  find(key: string): number {
    return this.remainingMs(key) > 0 ? (this.windows.peek(key)?.count ?? 0) : 0;
  }

  /** What another counter says is true from now on. */
  learn(key: string, hits: Hits): Hits {
    this.windows.set(key, { count: hits.count, endsAt: performance.now() + hits.resetMs });
    return hits;
  }

  private remainingMs(key: string): number {
    return Math.max(0, (this.windows.peek(key)?.endsAt ?? 0) - performance.now());
  }
}
