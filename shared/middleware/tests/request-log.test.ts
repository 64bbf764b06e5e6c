// One line per request: what an operator needs, and nothing that belongs to the caller.
import express from 'express';
import supertest from 'supertest';
import { expect, test } from 'vitest';
import { readableLog, until } from '../../../tests/support/room-database.ts';
import { requestContext } from '../request-context.ts';
import { requestLog } from '../request-log.ts';

async function lineFor(status: number): Promise<Record<string, unknown>> {
  const { logger, lines } = readableLog();
  const app = express();
  app.use(requestContext(), requestLog(logger));
  app.post('/things/:id', (_request, response) => {
    response.locals.caller = {
      actor: { kind: 'user', userId: 'ada', sessionId: 's', role: 'customer', permissions: new Set() },
      refusedToken: null,
    };
    response.status(status).json({ secret: 'canary-answer' });
  });
  const request = supertest(app)
    .post('/things/1?q=canary-query')
    .set({ Authorization: 'Bearer canary-token', Cookie: 'canary-cookie', 'X-Request-Id': 'request-1' });
  await request.send({ password: 'canary-body' });
  await until(() => lines.length > 0);
  expect(lines).toHaveLength(1);
  return lines[0] ?? {};
}

test.each([
  [200, 'info'],
  [304, 'info'],
  [404, 'warn'],
  [500, 'error'],
  [503, 'error'],
])('%i is told at %s', async (status, level) => {
  const line = await lineFor(status);
  expect(line).toMatchObject({
    level,
    msg: 'request',
    method: 'POST',
    path: '/things/1',
    status,
    userId: 'ada',
    requestId: 'request-1',
  });
  expect(line['responseTime']).toEqual(expect.any(Number));
});

test('nothing of the caller’s is in it: no query, no header, no body', async () => {
  const line = await lineFor(200);
  expect(JSON.stringify(line)).not.toContain('canary');
  expect(Object.keys(line).toSorted()).toEqual([
    'level',
    'method',
    'msg',
    'path',
    'requestId',
    'responseTime',
    'service',
    'status',
    'time',
    'userId',
  ]);
});
