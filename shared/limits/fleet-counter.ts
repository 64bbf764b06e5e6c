// Hits counted in the primary of a cluster, for its workers: each of them asks by message.
import cluster, { type Worker } from 'node:cluster';
import { within } from '../lifecycle/within.ts';
import type { HitCounter, Hits } from './hit-counter.ts';
import { LocalCounter } from './local-counter.ts';

type FromWorker = { said: 'hit'; id: number; key: string; windowMs: number };
type ToWorker = { told: 'hits'; id: number; hits: Hits };

const ANSWER_TIMEOUT_MS = 200;

/** In the primary. */
export function countForFleet(): void {
  const counter = new LocalCounter();
  cluster.on('message', (worker: Worker, { said, id, key, windowMs }: FromWorker) => {
    if (said !== 'hit' || !worker.isConnected()) return;
    worker.send({ told: 'hits', id, hits: counter.hit(key, windowMs) } satisfies ToWorker);
  });
}

/** In a worker. */
export class FleetCounter implements HitCounter {
  readonly name = 'primary';
  private readonly waiting = new Map<number, (hits: Hits) => void>();
  private asked = 0;

  constructor() {
    process.on('message', ({ told, id, hits }: ToWorker) => {
      if (told === 'hits') this.waiting.get(id)?.(hits);
    });
  }

  async hit(key: string, windowMs: number): Promise<Hits> {
    if (!process.connected) throw new Error('the primary is gone');
    const id = ++this.asked;
    const answered = new Promise<Hits>((resolve) => this.waiting.set(id, resolve));
    process.send?.({ said: 'hit', id, key, windowMs } satisfies FromWorker);
    return within(ANSWER_TIMEOUT_MS, () => answered).finally(() => this.waiting.delete(id));
  }
}
