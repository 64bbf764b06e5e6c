// The numbers for operators: by pattern, never by path; and what the pool does.
import express from 'express';
import supertest from 'supertest';
import { expect, test } from 'vitest';
import { gate, startRoomDatabase, until } from '../../../tests/support/room-database.ts';
import { Metrics } from '../metrics.ts';

test('a request is timed under its route, whatever its id; what has no route is one series', async () => {
  const metrics = new Metrics();
  const app = express();
  const router = express.Router();
  router.get('/orders/:id', (_request, response) => void response.json({}));
  app.use(metrics.timeRequests(), express.Router().use('/api', router));
  for (const path of ['/api/orders/1', '/api/orders/2', '/nothing/3']) await supertest(app).get(path);
  const series = (await metrics.registry.metrics())
    .split('\n')
    .filter((line) => line.startsWith('http_server_request_duration_seconds_count'));
  expect(series).toEqual([
    'http_server_request_duration_seconds_count{method="GET",route="/api/orders/:id",status="200"} 2',
    'http_server_request_duration_seconds_count{method="GET",route="none",status="404"} 1',
  ]);
});

test('the pool is seen at work and at rest', async () => {
  const room = await startRoomDatabase();
  try {
    const metrics = new Metrics();
    const { pool, database } = room.open({ max: 1 });
    metrics.observePool(pool);
    const read = async () => {
      const lines = (await metrics.registry.metrics()).split('\n');
      return ['connections', 'in_use', 'waiting'].map((name) =>
        Number(lines.find((line) => line.startsWith(`db_pool_${name} `))?.split(' ')[1]),
      );
    };
    const held = gate();
    const work = [database.transaction(() => held.opened), database.query('SELECT 1')];
    await until(async () => (await read()).join() === '1,1,1');
    held.open();
    await Promise.all(work);
    expect(await read()).toEqual([1, 0, 0]);
  } finally {
    await room.close();
  }
});

test('two of them do not share their numbers', () => expect(new Metrics().registry).not.toBe(new Metrics().registry));
