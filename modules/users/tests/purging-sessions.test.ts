// Sessions that ended long ago are swept away; those that someone may still ask about stay.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestApp, type TestApp } from '../../../tests/support/app.ts';

let app: TestApp;

beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());

test('a week after its end a session is gone, however many there are', async () => {
  const { id } = await app.modules.users.service.createUser({
    email: 'ada@example.com',
    password: 'correct horse battery',
    role: 'customer',
  });
  const insert = `INSERT INTO users.sessions (id, user_id, token_hash, expires_at, revoked_at)
    SELECT gen_random_uuid(), $1, '\\x00', now() + $2::interval, now() + $3::interval FROM generate_series(1, $4)`;
  await app.sql(insert, [id, '-8 days', null, 1500]);
  await app.sql(insert, [id, '20 days', '-8 days', 700]);
  await app.sql(insert, [id, '-6 days', null, 1]);
  await app.sql(insert, [id, '20 days', '-6 days', 1]);
  await app.sql(insert, [id, '20 days', null, 1]);
  await app.runJob('users.purge-sessions');
  expect(await app.sql('SELECT count(*)::int AS count FROM users.sessions')).toEqual([{ count: 3 }]);
  await app.runJob('users.purge-sessions');
  expect(await app.sql('SELECT count(*)::int AS count FROM users.sessions')).toEqual([{ count: 3 }]);
});
