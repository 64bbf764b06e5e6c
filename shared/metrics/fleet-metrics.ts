// The metrics of all workers of a cluster as one: any of them may be asked, the primary sums them up.
import cluster, { type Worker } from 'node:cluster';
import { AggregatorRegistry, type MetricObjectWithValues, type MetricValue, type Registry } from 'prom-client';

type Sample = MetricObjectWithValues<MetricValue<string>>[];
type FromWorker =
  | { said: 'metrics'; id: number; sample: Sample }
  | { said: 'metrics wanted'; id: number }
  | { said: 'farewell'; sample: Sample };
type ToWorker = { told: 'sample'; id: number } | { told: 'metrics'; id: number; text: string };

/** A worker that is busy for longer is left out of this scrape. */
const ANSWER_MS = 1000;

/** In the primary. */
export class FleetMetrics {
  /** Counters and histograms of workers that have left: a sum must not fall when one is replaced. */
  private departed: Sample = [];
  private scrapes = 0;
  private readonly waiting = new Map<number, (sample: Sample) => void>();

  listen(): void {
    cluster.on('message', (worker, message: FromWorker) => void this.hear(worker, message));
  }

  private async hear(worker: Worker, message: FromWorker): Promise<void> {
    if (message.said === 'metrics') this.waiting.get(message.id)?.(message.sample);
    if (message.said === 'farewell') this.departed = await sum([this.departed, message.sample.filter(isLasting)]);
    if (message.said !== 'metrics wanted') return;
    const samples = await Promise.all(Object.values(cluster.workers ?? {}).map((one) => this.ask(one)));
    const text = await AggregatorRegistry.aggregate([this.departed, ...samples]).metrics();
    if (worker.isConnected()) worker.send({ told: 'metrics', id: message.id, text } satisfies ToWorker);
  }

  private ask(worker: Worker | undefined): Promise<Sample> {
    if (worker?.isConnected() !== true) return Promise.resolve([]);
    const id = ++this.scrapes;
    return new Promise<Sample>((resolve) => {
      this.waiting.set(id, resolve);
      setTimeout(resolve, ANSWER_MS, []);
      worker.send({ told: 'sample', id } satisfies ToWorker);
    }).finally(() => this.waiting.delete(id));
  }
}

const isLasting = ({ type }: Sample[number]): boolean => ['counter', 'histogram'].includes(String(type));

const sum = (samples: Sample[]): Promise<Sample> => AggregatorRegistry.aggregate(samples).getMetricsAsJSON();

/** In a worker: tells its own numbers when asked. @returns how to ask for everybody's, and how to leave them behind */
export function joinFleet(registry: Registry): { metrics: () => Promise<string>; farewell: () => Promise<void> } {
  let scrapes = 0;
  const waiting = new Map<number, (text: string) => void>();
  /** Resolves when it is on its way; a primary that is gone needs no numbers. */
  const say = (message: FromWorker) => new Promise<void>((resolve) => process.send?.(message, () => resolve()));
  process.on('message', (message: ToWorker) => {
    if (message.told === 'metrics') waiting.get(message.id)?.(message.text);
    if (message.told === 'sample')
      void sampleOf(registry).then((sample) => say({ said: 'metrics', id: message.id, sample }));
  });
  return {
    metrics: () => {
      const id = ++scrapes;
      return new Promise<string>((resolve) => {
        waiting.set(id, resolve);
        void say({ said: 'metrics wanted', id });
      }).finally(() => waiting.delete(id));
    },
    farewell: async () => {
      if (process.connected) await say({ said: 'farewell', sample: await sampleOf(registry) });
    },
  };
}

const sampleOf = (registry: Registry): Promise<Sample> => registry.getMetricsAsJSON();
