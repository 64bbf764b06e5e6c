// What balancers and operators are told, also when all is not well.
import express from 'express';
import supertest from 'supertest';
import { describe, expect, test } from 'vitest';
import { silent } from '../../../tests/support/room-database.ts';
import { Metrics } from '../../metrics/metrics.ts';
import { errorHandler } from '../error-handler.ts';
import { health, type MetricsAccess } from '../health.ts';
import { requestContext } from '../request-context.ts';

type Probed = { checkReady?: () => Promise<void>; metricsAccess?: MetricsAccess };

function probe({ checkReady = async () => {}, metricsAccess = 'open' }: Probed = {}) {
  const app = express();
  app.use(
    requestContext(),
    health({ checkReady, version: '1.2.3', commit: 'abc', metrics: new Metrics(), metricsAccess }),
    errorHandler(silent, { showsDefects: false }),
  );
  return supertest(app);
}

test.each(['/health', '/livez'])('%s says alive, whether ready or not', async (path) => {
  const { body } = await probe({ checkReady: () => Promise.reject(new Error('no database')) })
    .get(path)
    .expect(200);
  expect(body).toEqual({ status: 'ok' });
});

describe.each(['/ready', '/readyz', '/healthz'])('%s', (path) => {
  test('says ready', async () => expect((await probe().get(path).expect(200)).body).toEqual({ status: 'ready' }));

  test('says not ready, and when to ask again, but not why', async () => {
    const { body, headers, text } = await probe({ checkReady: () => Promise.reject(new Error('secret')) })
      .get(path)
      .expect(503);
    expect([body.code, headers['retry-after'], text.includes('secret')]).toEqual(['not_ready', '1', false]);
  });
});

test('/version tells what runs, and for how long', async () => {
  const { body } = await probe().get('/version');
  expect(body).toEqual({ version: '1.2.3', commit: 'abc', uptimeMs: expect.any(Number) });
  expect((await probe().get('/version')).body.uptimeMs).toBeGreaterThanOrEqual(body.uptimeMs);
  expect(Math.abs(body.uptimeMs - process.uptime() * 1000)).toBeLessThan(60_000);
});

test.each<[MetricsAccess, string | undefined, number]>([
  ['open', undefined, 200],
  ['closed', undefined, 401],
  ['closed', 'Bearer undefined', 401],
  [{ token: 'one' }, undefined, 401],
  [{ token: 'one' }, 'Bearer two', 401],
  [{ token: 'one' }, 'Bearer one', 200],
])('/metrics, %j, asked with %s: %i', async (metricsAccess, authorization, status) => {
  await probe({ metricsAccess })
    .get('/metrics')
    .set(authorization === undefined ? {} : { Authorization: authorization })
    .expect(status);
});
