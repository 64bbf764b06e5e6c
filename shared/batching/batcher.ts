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

/** Its answer, or that it shall go by itself now, and say when that is over. */
type Turn<Answer> = { answer: Answer } | { over: () => void };

type Waiting<Item, Answer> = {
  item: Item;
  resolve: (turn: Turn<Answer>) => void;
  reject: (error: unknown) => void;
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
    const turn = await new Promise<Turn<Answer>>((resolve, reject) => {
      this.queue.push({ item, resolve, reject });
      if (this.isRunning) return;
      this.isRunning = true;
      // Once this turn's work is done: all who arrive in one turn go together.
      process.nextTick(() => void this.work());
    });
    return 'answer' in turn ? turn.answer : this.byItself(item, turn.over);
  }

  /** Here, in the context of who asked: its log lines and traces are its own. */
  private async byItself(item: Item, over: () => void): Promise<Answer> {
    try {
      return await this.alone(item);
    } catch (error) {
      if (this.options.isOfAll(error)) this.refuse([], error);
      throw error;
    } finally {
      over();
    }
  }

  /** Never rejects: everyone is told for themselves. */
  private async work(): Promise<void> {
    while (this.queue.length > 0) {
      const batch = this.queue.splice(0, this.options.max);
      await (batch.length === 1 ? eachByItself(batch) : this.asNobody(() => this.together(batch)));
    }
    this.isRunning = false;
  }

  private async together(batch: Waiting<Item, Answer>[]): Promise<void> {
    try {
      const answers = await this.options.run(batch.map(({ item }) => item));
      if (answers.length !== batch.length) throw new Error(`${answers.length} answers for ${batch.length} items`);
      // As long as the batch, as was just seen.
      for (const [i, { resolve }] of batch.entries()) resolve({ answer: answers[i] as Answer });
    } catch (error) {
      if (this.options.isOfAll(error)) this.refuse(batch, error);
      else await eachByItself(batch);
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

async function eachByItself<Answer>(batch: Pick<Waiting<unknown, Answer>, 'resolve'>[]): Promise<void> {
  await Promise.all(batch.map(({ resolve }) => new Promise<void>((over) => resolve({ over }))));
}

const tooMany = () =>
  unavailable('database_busy', 'Too many requests wait for the database.', { retryAfterSeconds: 1 });
