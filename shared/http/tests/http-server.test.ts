// What Express is given: requests and responses that already are what it would make of them.
import { once } from 'node:events';
import express from 'express';
import supertest from 'supertest';
import { expect, test } from 'vitest';
import { silent } from '../../../tests/support/room-database.ts';
import { createHttpServer } from '../http-server.ts';

test('Express need not change the prototype of a request or a response', async () => {
  const app = express();
  const server = createHttpServer(app, { connectionsMax: 10, logger: silent });
  const born: unknown[] = [];
  server.prependListener('request', (request, response) => {
    born.push(Object.getPrototypeOf(request), Object.getPrototypeOf(response));
  });
  app.get('/', (request, response) => {
    expect([Object.getPrototypeOf(request), Object.getPrototypeOf(response)]).toEqual(born);
    response.json({ ip: request.ip !== undefined, app: request.app === app });
  });
  await supertest(server).get('/').expect(200, { ip: true, app: true });
  expect(born).toEqual([app.request, app.response]);
  server.close();
  await once(server, 'close');
});
