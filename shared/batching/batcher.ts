// What arrives in one turn of the event loop, or while a batch is in flight, goes together. No timer: whoever is alone goes at once.
import { AsyncLocalStorage } from 'node:async_hooks';
import { unavailable } from '../errors/app-error.ts';

type Options<Item, Answer> = {
  /** Answers in the order of the items, or rejects for all of them. */
  run: (items: Item[]) => Promise<Answer[]>;
  /** So many go together at most; 1 sends each by itself, without waiting for others. */
  max: number;
  /** Nobody's own fault: to try each alone would meet it again. Whoever waits behind the batch is told at once, too. */
  isOfAll: (error: unknown) => boolean;
};

type Waiting<Item, Answer> = {
  item: Item;
  resolve: (answer: Answer) => void;
  reject: (error: unknown) => void;
  asItself: ReturnType<typeof AsyncLocalStorage.snapshot>;
};

/** In batches: behind so many, an answer at once is worth more than a place in the queue. */
const QUEUE_MAX = 8;

export class Batcher<Item, Answer> {
  private readonly options: Options<Item, Answer>;
  private queue: Waiting<Item, Answer>[] = [];
  private isRunning = false;
  /** A batch is nobody's request: what it logs names none. */
  private readonly asNobody = AsyncLocalStorage.snapshot();

  constructor(options: Options<Item, Answer>) {
    this.options = options;
  }

  /** @throws unavailable `database_busy` when too many wait; what `run` throws for this item, alone if need be */
  async add(item: Item): Promise<Answer> {
    const { max } = this.options;
    if (max === 1) return this.alone(item);
    if (this.queue.length >= QUEUE_MAX * max) throw tooMany();
    return new Promise((resolve, reject) => {
      this.queue.push({ item, resolve, reject, asItself: AsyncLocalStorage.snapshot() });
      if (this.isRunning) return;
      this.isRunning = true;
      // Once this turn's work is done: all who arrive in one turn go together.
      process.nextTick(() => void this.work());
    });
  }

  /** Never rejects: everyone is told for themselves. */
  private async work(): Promise<void> {
    while (this.queue.length > 0) {
      const batch = this.queue.splice(0, this.options.max);
      const [first] = batch;
      if (batch.length === 1 && first !== undefined) await first.asItself(() => this.settleOne(first));
      else await this.asNobody(() => this.settle(batch));
    }
    this.isRunning = false;
  }

  private async settle(batch: Waiting<Item, Answer>[]): Promise<void> {
    try {
      const answers = await this.options.run(batch.map(({ item }) => item));
      if (answers.length !== batch.length) throw new Error(`${answers.length} answers for ${batch.length} items`);
      // As long as the batch, as was just seen.
      for (const [i, { resolve }] of batch.entries()) resolve(answers[i] as Answer);
    } catch (error) {
      if (this.options.isOfAll(error)) this.refuse(batch, error);
      else await Promise.all(batch.map((one) => one.asItself(() => this.settleOne(one))));
    }
  }

  private async settleOne(one: Waiting<Item, Answer>): Promise<void> {
    try {
      one.resolve(await this.alone(one.item));
    } catch (error) {
      if (this.options.isOfAll(error)) this.refuse([one], error);
      else one.reject(error);
    }
  }

  private refuse(batch: Waiting<Item, Answer>[], error: unknown): void {
    for (const { reject } of [...batch, ...this.queue.splice(0)]) reject(error);
  }

  private async alone(item: Item): Promise<Answer> {
    const answers = await this.options.run([item]);
    if (answers.length !== 1) throw new Error(`${answers.length} answers for one item`);
    return answers[0] as Answer;
  }
}

const tooMany = () =>
  unavailable('database_busy', 'Too many requests wait for the database.', { retryAfterSeconds: 1 });
