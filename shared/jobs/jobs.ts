// Work for later: a thin face on graphile-worker, right on any number of processes.
import {
  Logger as WorkerLogger,
  makeWorkerUtils,
  run,
  runMigrations,
  type Runner,
  type WorkerUtils,
} from 'graphile-worker';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Pool } from 'pg';
import type { Logger } from '../logging/logger.ts';
import { withRequestContext } from '../logging/request-context.ts';
import type { Count, Metrics } from '../metrics/metrics.ts';

/** Runs about every `everySeconds`, on one process of all; a run that fails is tried again at the next tick. */
export type RecurringJob = { name: string; everySeconds: number; run: () => Promise<void> };

type Options = { pool: Pool; jobs: RecurringJob[]; logger: Logger; metrics: Metrics };

export class JobRunner {
  private readonly options: Options;
  private readonly count: Count<'job' | 'result'>;
  private readonly timers: NodeJS.Timeout[] = [];
  private runner: Runner | null = null;
  private isStopping = false;
  private utils: WorkerUtils | null = null;

  constructor(options: Options) {
    this.options = options;
    this.count = options.metrics.counter({
      name: 'job_runs_total',
      help: 'Runs of jobs, by name and result',
      labels: { job: options.jobs.map(({ name }) => name), result: ['done', 'failed'] },
    });
  }

  async start(): Promise<void> {
    const { pool, jobs, logger } = this.options;
    const settings = { pgPool: pool, logger: workerLogger(logger) };
    await runMigrations(settings);
    this.utils = await makeWorkerUtils(settings);
    this.runner = await this.run();
    for (const job of jobs) this.tick(job);
  }

  /** What is under way is finished. */
  async stop(): Promise<void> {
    this.isStopping = true;
    for (const timer of this.timers) clearInterval(timer);
    // One that has just ended by itself says so.
    await this.runner
      ?.stop()
      .catch((error: unknown) => this.options.logger.debug({ err: error }, 'job runner had ended'));
    await this.utils?.release();
  }

  private async run(): Promise<Runner> {
    const { pool, jobs, logger } = this.options;
    const runner = await run({
      pgPool: pool,
      logger: workerLogger(logger),
      concurrency: 2,
      noHandleSignals: true,
      parsedCronItems: [],
      // Without batches the library neither waits for "done" to be written nor catches its failure: a database that was away
      // for that moment would end the process.
      preset: { worker: { completeJobBatchDelay: 0, failJobBatchDelay: 0 } },
      taskList: Object.fromEntries(jobs.map((job) => [job.name, (_payload, { job: { id } }) => this.runJob(job, id)])),
    });
    void runner.promise.catch((error: unknown) => error).then((reason) => this.runAgain(reason));
    return runner;
  }

  /** The library gives up when the database is away for longer; a process that looks alive and does no work must not be. */
  private async runAgain(reason: unknown): Promise<void> {
    if (this.isStopping) return;
    this.options.logger.warn({ err: reason }, 'job runner ended; starting again');
    await sleep(RESTART_MS, undefined, { ref: false });
    try {
      this.runner = await this.run();
    } catch (error) {
      return this.runAgain(error);
    }
    if (this.isStopping) await this.runner.stop();
  }

  private tick(job: RecurringJob): void {
    const enqueue = () =>
      void this.enqueue(job.name).catch((error: unknown) =>
        this.options.logger.warn({ err: error, job: job.name }, 'job not enqueued; next tick tries again'),
      );
    enqueue();
    this.timers.push(setInterval(enqueue, job.everySeconds * 1000));
  }

  private runJob(job: RecurringJob, id: string): Promise<void> {
    return withRequestContext({ requestId: `job-${job.name}-${id}` }, async () => {
      try {
        await job.run();
      } catch (error) {
        this.count({ job: job.name, result: 'failed' });
        throw error; // the library keeps the job, with why
      }
      this.count({ job: job.name, result: 'done' });
      this.options.logger.debug({ job: job.name }, 'job done');
    });
  }

  /** The job key makes the ticks of several processes one waiting job, the queue name makes its runs one at a time. */
  private async enqueue(name: string): Promise<void> {
    await this.freeLocksOfTheDead();
    await this.utils?.addJob(name, {}, { jobKey: name, queueName: name, maxAttempts: 1 });
  }

  /** A process killed in the middle of a run leaves its locks behind; the library by itself waits 4 hours for it. */
  private async freeLocksOfTheDead(): Promise<void> {
    const { rows } = await this.options.pool.query<{ locked_by: string }>(
      `SELECT DISTINCT locked_by FROM graphile_worker.jobs WHERE locked_at < now() - $1 * interval '1 second'`,
      [LOCK_SECONDS_MAX],
    );
    if (rows.length > 0) await this.utils?.forceUnlockWorkers(rows.map((row) => row.locked_by));
  }
}

const RESTART_MS = 1000;

/** Longer than a run should take; two runs at once do no harm to any job of ours, a job that never runs again does. */
const LOCK_SECONDS_MAX = 60;

/** The library tells each poll and each job at info; ours are at debug. */
const workerLogger = (logger: Logger) =>
  new WorkerLogger(() => (level, message) => {
    if (level === 'error') logger.error({ job: true }, message);
    else if (level === 'warning') logger.warn({ job: true }, message);
    else logger.debug({ job: true }, message);
  });
