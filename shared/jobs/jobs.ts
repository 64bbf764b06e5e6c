// Work for later: a thin face on graphile-worker, right on any number of processes.
import {
  Logger as WorkerLogger,
  makeWorkerUtils,
  run,
  runMigrations,
  type Runner,
  type WorkerUtils,
} from 'graphile-worker';
import type { Pool } from 'pg';
import type { Logger } from '../logging/logger.ts';
import { withRequestContext } from '../logging/request-context.ts';

/** Runs about every `everySeconds`, on one process of all; a run that fails is tried again at the next tick. */
export type RecurringJob = { name: string; everySeconds: number; run: () => Promise<void> };

type Options = { pool: Pool; jobs: RecurringJob[]; logger: Logger };

export class JobRunner {
  private readonly options: Options;
  private readonly timers: NodeJS.Timeout[] = [];
  private runner: Runner | null = null;
  private utils: WorkerUtils | null = null;

  constructor(options: Options) {
    this.options = options;
  }

  async start(): Promise<void> {
    const { pool, jobs, logger } = this.options;
    const settings = { pgPool: pool, logger: workerLogger(logger) };
    await runMigrations(settings);
    this.utils = await makeWorkerUtils(settings);
    this.runner = await run({
      ...settings,
      concurrency: 2,
      noHandleSignals: true,
      parsedCronItems: [],
      taskList: Object.fromEntries(jobs.map((job) => [job.name, (_payload, { job: { id } }) => runJob(job, id)])),
    });
    // A runner that loses its connection for good must not leave a process that looks alive and does no work unsaid.
    this.runner.promise.catch((error: unknown) => logger.error({ err: error }, 'job runner stopped'));
    for (const job of jobs) this.tick(job);
  }

  /** What is under way is finished. */
  async stop(): Promise<void> {
    for (const timer of this.timers) clearInterval(timer);
    await this.runner?.stop();
    await this.utils?.release();
  }

  private tick(job: RecurringJob): void {
    const enqueue = () =>
      void this.enqueue(job.name).catch((error: unknown) =>
        this.options.logger.warn({ err: error, job: job.name }, 'job not enqueued; next tick tries again'),
      );
    enqueue();
    this.timers.push(setInterval(enqueue, job.everySeconds * 1000));
  }

  /** The job key makes the ticks of several processes one waiting job, the queue name makes its runs one at a time. */
  private async enqueue(name: string): Promise<void> {
    await this.utils?.addJob(name, {}, { jobKey: name, queueName: name, maxAttempts: 1 });
  }
}

const runJob = (job: RecurringJob, id: string) =>
  withRequestContext({ requestId: `job-${job.name}-${id}` }, () => job.run());

/** The library tells each poll and each job at info; ours are at debug. */
const workerLogger = (logger: Logger) =>
  new WorkerLogger(() => (level, message) => {
    if (level === 'error') logger.error({ job: true }, message);
    else if (level === 'warning') logger.warn({ job: true }, message);
    else logger.debug({ job: true }, message);
  });
