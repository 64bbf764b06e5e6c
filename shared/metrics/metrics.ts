// What operators see in numbers: Prometheus metrics of this process, in a registry of its own.
import type { RequestHandler } from 'express';
import type { Pool } from 'pg';
import { collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

export class Metrics {
  readonly registry = new Registry();
  private readonly requestDuration = new Histogram({
    name: 'http_server_request_duration_seconds',
    help: 'Time from the first byte of a request to the last of its answer, by route pattern',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
    registers: [this.registry],
  });

  /** The exposition format: this process alone, unless it is one of several. */
  text: () => Promise<string> = () => this.registry.metrics();

  constructor() {
    collectDefaultMetrics({ register: this.registry });
  }

  /** The pattern, never the path: ids would make a series each. */
  timeRequests(): RequestHandler {
    return (request, response, next) => {
      const stop = this.requestDuration.startTimer();
      response.once('close', () => {
        const { route } = request as { route?: { path?: string } };
        const pattern = route?.path === undefined ? 'none' : `${request.baseUrl}${route.path}`;
        stop({ method: request.method, route: pattern, status: response.statusCode });
      });
      next();
    };
  }

  observePool(pool: Pool): void {
    const gauge = (name: string, help: string, read: () => number) =>
      new Gauge({ name, help, registers: [this.registry], collect() { this.set(read()); } }); // prettier-ignore
    gauge('db_pool_connections', 'Connections open', () => pool.totalCount);
    gauge('db_pool_in_use', 'Connections at work', () => pool.totalCount - pool.idleCount);
    gauge('db_pool_waiting', 'Callers that wait for a connection', () => pool.waitingCount);
  }
}
