// What balancers, orchestrators and operators ask a process: alive, ready, which version, which numbers.
import { createHash, timingSafeEqual } from 'node:crypto';
import { Router, type RequestHandler } from 'express';
import { unauthenticated, unavailable } from '../errors/app-error.ts';
import { segmentOf } from '../http/route.ts';
import type { Metrics } from '../metrics/metrics.ts';

/** `open` is for development; `closed` is production without METRICS_TOKEN: numbers tell a stranger much. */
export type MetricsAccess = 'open' | 'closed' | { token: string };

export type HealthOptions = {
  /** Rejects when this process should get no requests just now; at most 2 s. */
  checkReady: () => Promise<void>;
  version: string;
  commit: string;
  metrics: Metrics;
  metricsAccess: MetricsAccess;
};

/** Mounted before limits, tokens and the request log: a probe every second must cost and say nothing. */
export function health({ checkReady, version, commit, metrics, metricsAccess }: HealthOptions): Router {
  const router = Router();
  // Every request comes by here: most are let through by one look, and not by one for each of these paths.
  router.use((request, _response, next) => next(probes.has(segmentOf(request.path)) ? undefined : 'router'));
  const alive: RequestHandler = (_request, response) => void response.json({ status: 'ok' });
  const ready: RequestHandler = async (_request, response) => {
    await checkReady().catch((error: unknown) => {
      throw unavailable('not_ready', 'This process takes no requests just now.', {
        retryAfterSeconds: 1,
        cause: error,
      });
    });
    response.json({ status: 'ready' });
  };
  router.get(['/health', '/livez'], alive);
  router.get(['/ready', '/readyz', '/healthz'], ready);
  // Whoever deploys sees by uptimeMs that it is still the same process, and not one that dies and is made again.
  const tellVersion: RequestHandler = (_request, response) =>
    void response.json({ version, commit, uptimeMs: Math.floor(process.uptime() * 1000) });
  router.get('/version', tellVersion);
  router.get('/metrics', guardMetrics(metricsAccess), async (_request, response) => {
    response.type(metrics.registry.contentType).send(await metrics.text());
  });
  return router;
}

const probes = new Set(['health', 'livez', 'ready', 'readyz', 'healthz', 'version', 'metrics']);

function guardMetrics(access: MetricsAccess): RequestHandler {
  return (request, _response, next) => {
    if (access === 'open') return next();
    if (access !== 'closed' && isSame(request.get('authorization') ?? '', `Bearer ${access.token}`)) return next();
    throw unauthenticated('token_required', 'The metrics need the bearer token METRICS_TOKEN.');
  };
}

const isSame = (one: string, other: string): boolean => timingSafeEqual(digest(one), digest(other));
const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
