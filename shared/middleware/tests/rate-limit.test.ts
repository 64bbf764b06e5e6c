// The limits by themselves: counted by their key, and off at 0.
import express from 'express';
import { rateLimit } from 'express-rate-limit';
import supertest from 'supertest';
import { expect, test, vi } from 'vitest';
import { silent } from '../../../tests/support/room-database.ts';
import { errorHandler } from '../error-handler.ts';
import { SharedCounter } from '../../limits/shared-counter.ts';
import { limitRate } from '../rate-limit.ts';
import { requestContext } from '../request-context.ts';

function limited(max: number, windowMs = 60_000) {
  const app = express();
  const counter = new SharedCounter([]);
  app.use(requestContext(), limitRate({ name: 'room', max, windowMs, keyOf: (request) => request.url, counter }));
  app.get('/', (_request, response) => void response.json({}));
  app.use(errorHandler(silent, { showsDefects: false }));
  return (who: string) => supertest(app).get(`/?who=${who}`);
}

test('each key has its own count', async () => {
  const ask = limited(2);
  const statuses = [];
  for (const who of ['ada', 'ada', 'ada', 'bob']) statuses.push((await ask(who)).status);
  expect(statuses).toEqual([200, 200, 429, 200]);
});

test('the headers are, to the byte, what express-rate-limit says by draft-8, also of the caller who is refused', async () => {
  const draft = express().use(
    rateLimit({
      windowMs: 60_000,
      limit: 2,
      identifier: 'room',
      standardHeaders: 'draft-8',
      legacyHeaders: false,
      keyGenerator: (request) => request.url,
    }),
    (_request, response) => void response.json({}),
  );
  const ask = limited(2);
  for (let i = 0; i < 3; i++) {
    const [ours, theirs] = [await ask('ada'), await supertest(draft).get('/?who=ada')];
    expect(ours.status).toBe(theirs.status);
    for (const name of ['ratelimit', 'ratelimit-policy', 'retry-after'])
      expect(inSeconds(ours.headers[name])).toBe(inSeconds(theirs.headers[name]));
  }
});

/** A second may end between the two. */
const inSeconds = (header: unknown) => String(header).replace(/^(.*; t=)?(60|59|58)$/, '$1about 60');

test('0 is no limit, and says nothing of one', async () => {
  const ask = limited(0);
  for (let i = 0; i < 5; i++) expect((await ask('ada').expect(200)).headers['ratelimit']).toBeUndefined();
});

test('when the window is over it begins anew', async () => {
  const ask = limited(1, 900);
  await ask('ada').expect(200);
  await ask('ada').expect(429).expect('Retry-After', '1');
  await new Promise((resolve) => setTimeout(resolve, 950));
  await ask('ada').expect(200);
});

test('two limits may count the same key, and nobody complains', async () => {
  const complaints = vi.spyOn(console, 'error').mockReturnValue();
  const counter = new SharedCounter([]);
  const limitOf = (name: string) => limitRate({ name, max: 9, windowMs: 60_000, keyOf: () => 'ada', counter });
  const app = express().use(limitOf('one'), limitOf('other'), (_request, response) => void response.json({}));
  await supertest(app).get('/').expect(200);
  expect(complaints).not.toHaveBeenCalled();
  complaints.mockRestore();
});
