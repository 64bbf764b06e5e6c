// One line in the log every 30 s that says how much memory the process has: the first thing looked for after it is gone.
import type { Logger } from '../logging/logger.ts';

/** @returns how to stop it */
export function logMemory(logger: Logger, { everyMs = 30_000 }: { everyMs?: number } = {}): () => void {
  const timer = setInterval(() => {
    const { rss, heapUsed, heapTotal, external } = process.memoryUsage();
    logger.info({ rssMb: megabytes(rss), heapUsedMb: megabytes(heapUsed), heapTotalMb: megabytes(heapTotal), externalMb: megabytes(external) }, 'memory'); // prettier-ignore
  }, everyMs).unref();
  return () => clearInterval(timer);
}

const megabytes = (bytes: number): number => Math.round(bytes / 1e5) / 10;
