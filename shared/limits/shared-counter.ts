// Hits counted by the first of several keepers that answers, and by this process alone when none does.
import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { HitCounter, Hits } from './hit-counter.ts';
import { LocalCounter } from './local-counter.ts';

export class SharedCounter {
  private readonly keepers: HitCounter[];
  /** Also remembers what the keepers said: nobody begins anew when they go, and who is refused anyway costs them nothing. */
  private readonly local = new LocalCounter();

  /** @param keepers in the order in which they are asked; none: this process counts for itself */
  constructor(keepers: HitCounter[]) {
    this.keepers = keepers;
  }

  /** Never rejects. @param max above it the window's end is waited for without asking */
  async hit(key: string, { windowMs, max }: { windowMs: number; max: number }): Promise<Hits> {
    const anonymous = hashes.memo(key);
    if (this.local.find(anonymous) > max) return this.local.hit(anonymous, windowMs);
    for (const keeper of this.keepers) {
      const hits = await keeper.hit(anonymous, windowMs).catch(() => null); // it has logged this itself
      if (hits !== null) return this.local.learn(anonymous, hits);
    }
    return this.local.hit(anonymous, windowMs);
  }
}

/** A key that tells nothing: addresses and e-mail addresses do not lie about in other stores. */
const hashes = new LRUCache<string, string>({
  max: 5000,
  memoMethod: (key) => createHash('sha256').update(key).digest('base64url'),
});
