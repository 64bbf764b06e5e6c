// The metrics of all workers of a cluster as one: any of them may be asked, the primary sums them up.
import cluster, { type Worker } from 'node:cluster';
import { AggregatorRegistry, type MetricObjectWithValues, type MetricValue, type Registry } from 'prom-client';

type Sample = MetricObjectWithValues<MetricValue<string>>[];
type FromWorker =
  | { said: 'counting' }
  | { said: 'metrics'; id: number; sample: Sample }
  | { said: 'metrics wanted'; id: number }
  | { said: 'farewell'; sample: Sample };
type ToWorker = { told: 'sample'; id: number } | { told: 'metrics'; id: number; text: string };

/** A worker that is busy for longer is in this scrape with what it last told. */
const ANSWER_MS = 1000;

/** In the primary. No sum may fall, whether a worker is busy, replaced or killed: what it told last stays counted. */
export class FleetMetrics {
  /** Who counts, with what it told last. */
  private readonly counting = new Map<Worker, Sample>();
  /** Counters and histograms of who left, as one sample. */
  private departed: Sample = [];
  private scrapes = 0;
  private readonly waiting = new Map<number, (sample: Sample) => void>();

  listen(): void {
    cluster.on('message', (worker, message: FromWorker) => void this.hear(worker, message));
    // Not `exit`, which may come before its last words.
    cluster.on('disconnect', (worker) => this.bury(worker, this.counting.get(worker) ?? []));
  }

  private hear(worker: Worker, message: FromWorker): Promise<void> | void {
    if (message.said === 'counting') this.counting.set(worker, []);
    if (message.said === 'metrics') this.waiting.get(message.id)?.(message.sample);
    if (message.said === 'farewell') this.bury(worker, message.sample);
    if (message.said === 'metrics wanted') return this.tell(worker, message.id);
  }

  private async tell(worker: Worker, id: number): Promise<void> {
    await Promise.all([...this.counting.keys()].map((one) => this.ask(one)));
    const text = await AggregatorRegistry.aggregate([this.departed, ...this.counting.values()]).metrics();
    if (worker.isConnected()) worker.send({ told: 'metrics', id, text } satisfies ToWorker);
  }

  private async ask(worker: Worker): Promise<void> {
    if (!worker.isConnected()) return;
    const id = ++this.scrapes;
    const sample = await new Promise<Sample | null>((resolve) => {
      this.waiting.set(id, resolve);
      setTimeout(resolve, ANSWER_MS, null);
      worker.send({ told: 'sample', id } satisfies ToWorker);
    }).finally(() => this.waiting.delete(id));
    // Who said farewell meanwhile is counted there.
    if (sample !== null && this.counting.has(worker)) this.counting.set(worker, sample);
  }

  /** Once: who said farewell will disconnect as well. */
  private bury(worker: Worker, sample: Sample): void {
    if (this.counting.delete(worker)) this.departed = sum([this.departed, sample.filter(isLasting)]);
  }
}

const isLasting = ({ type }: Sample[number]): boolean => ['counter', 'histogram'].includes(String(type));

/** At once, so that no scrape sees it half done. */
const sum = (samples: Sample[]): Sample =>
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what aggregate() registers is made of samples
  AggregatorRegistry.aggregate(samples).getMetricsAsArray() as unknown as Sample;

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
  void say({ said: 'counting' });
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
