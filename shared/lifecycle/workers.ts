// The primary of a cluster: keeps its workers alive, and replaces them one by one when asked.
import cluster, { type Worker } from 'node:cluster';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '../logging/logger.ts';
import { within } from './within.ts';

/** What a worker says once it listens, and what it is told when another has taken its place. */
export type FromWorker = { said: 'ready'; port: number; modules: string[] };
type Ready = FromWorker;
export type ToWorker = { told: 'retire' };

/** Who dies sooner after it was ready has not really lived. */
const FAST_DEATH_MS = 5000;
/** So many fast deaths in a row are no accident: 82 forks in 5 s were seen on a bad configuration. */
const FAST_DEATHS_MAX = 5;
const BACK_OFF_MS = 100;
const BACK_OFF_MAX_MS = 10_000;
const START_TIMEOUT_MS = 60_000;

type Options = {
  count: number;
  /** Added to the environment of every worker. */
  env: Record<string, string>;
  logger: Logger;
  /** How long a retired worker may take. */
  stopTimeoutMs: number;
  /** Workers die as fast as they are made. */
  onHopeless: (error: unknown) => void;
};

export class Workers {
  private readonly options: Options;
  /** Who was asked to go: their death is no accident. */
  private readonly leaving = new Set<Worker>();
  private fastDeaths = 0;
  private isStopping = false;
  private reloading: Promise<void> = Promise.resolve();

  constructor(options: Options) {
    this.options = options;
  }

  /** The first alone: if it cannot live, no other is tried. @returns what it said: all of them share its port */
  async start(): Promise<Ready> {
    cluster.on('exit', (worker, code, signal) => this.onExit(worker, code, signal));
    const first = await this.forkUntilReady();
    await Promise.all(Array.from({ length: this.options.count - 1 }, () => this.forkUntilReady()));
    return first;
  }

  /** A rolling reload: each worker leaves when its successor answers. A second wish waits for the first. */
  reload(): Promise<void> {
    this.reloading = this.reloading.then(() => this.replaceAll());
    return this.reloading;
  }

  /** Each drains by itself; who is not ready yet ends, too, rather than find nobody to listen for. */
  async stop(): Promise<void> {
    this.isStopping = true;
    await Promise.all(all().map((worker) => this.dismiss(worker, () => worker.process.kill('SIGTERM'))));
  }

  private async replaceAll(): Promise<void> {
    const { logger } = this.options;
    for (const worker of living()) {
      if (this.isStopping) return;
      const isReplaced = await this.forkOnce().then(() => true, (error: unknown) => this.keepOld(error)); // prettier-ignore
      if (!isReplaced) return;
      await this.dismiss(worker, () => worker.send({ told: 'retire' } satisfies ToWorker));
    }
    logger.info('reloaded');
  }

  private keepOld(error: unknown): false {
    this.options.logger.error({ err: error }, 'reload given up: a new worker did not start; the old ones stay');
    return false;
  }

  private async dismiss(worker: Worker, ask: () => void): Promise<void> {
    if (worker.isDead()) return;
    const gone = once(worker, 'exit');
    this.leaving.add(worker);
    ask();
    await within(this.options.stopTimeoutMs, () => gone).catch(() => worker.process.kill('SIGKILL'));
  }

  /** As often as it takes, until it is hopeless. */
  private async forkUntilReady(): Promise<Ready> {
    for (;;) {
      if (this.isStopping) throw new Error('stopping');
      if (this.fastDeaths >= FAST_DEATHS_MAX) throw new Error(`${FAST_DEATHS_MAX} workers in a row died at once`);
      const said = await this.forkOnce().catch(() => null); // its death is logged and counted in onExit
      if (said !== null) return said;
    }
  }

  /** Rejects when it died or stayed silent. */
  private async forkOnce(): Promise<Ready> {
    if (this.fastDeaths > 0) await sleep(Math.min(BACK_OFF_MS * 2 ** this.fastDeaths, BACK_OFF_MAX_MS));
    const worker = cluster.fork(this.options.env);
    return within(START_TIMEOUT_MS, () => readiness(worker)).catch((error: unknown) => {
      worker.process.kill('SIGKILL');
      throw error;
    });
  }

  private onExit(worker: Worker, code: number, signal: string): void {
    const { logger, onHopeless } = this.options;
    const { pid } = worker.process;
    if (this.leaving.delete(worker) || this.isStopping) return logger.info({ pid, code }, 'worker left');
    logger.error({ pid, code, signal }, 'worker died');
    this.fastDeaths = lifeMsOf(worker) < FAST_DEATH_MS ? this.fastDeaths + 1 : 0;
    // One that was never ready is made again by whoever waits for it.
    if (readyAt.has(worker)) this.forkUntilReady().catch((error: unknown) => this.isStopping || onHopeless(error));
  }
}

const readyAt = new WeakMap<Worker, number>();

/** However long a start takes, who did not get ready has not lived. */
const lifeMsOf = (worker: Worker): number => performance.now() - (readyAt.get(worker) ?? performance.now());

const all = (): Worker[] => Object.values(cluster.workers ?? {}).filter((worker) => worker !== undefined);

const living = (): Worker[] => all().filter((worker) => readyAt.has(worker));

function readiness(worker: Worker): Promise<Ready> {
  return new Promise((resolve, reject) => {
    worker.on('message', (message: FromWorker) => {
      if (message.said !== 'ready') return;
      readyAt.set(worker, performance.now());
      resolve(message);
    });
    worker.once('exit', (code, signal) =>
      reject(new Error(`a worker ended with ${signal ?? code} before it was ready`)),
    );
  });
}
