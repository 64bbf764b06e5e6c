// How often one may try: every attempt counts, by account and by address.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestApp, type TestApp } from '../../../tests/support/app.ts';

let app: TestApp;

beforeAll(async () => {
  app = await startTestApp({ config: { loginRateLimitMax: 5, loginRateLimitAddressMax: 20, trustProxy: 1 } });
});
afterAll(() => app.close());

let addresses = 0;
const newAddress = (): string => `203.0.113.${++addresses}`;

const send = (path: string, body: object, address = newAddress()) =>
  app.api.post(`/api/v1${path}`).set('X-Forwarded-For', address).send(body);
const password = 'correct horse battery';

/** What each of `count` attempts, one after the other, was answered. */
async function attempts(count: number, attempt: (i: number) => PromiseLike<{ status: number }>): Promise<number[]> {
  const statuses = [];
  for (let i = 0; i < count; i++) statuses.push((await attempt(i)).status);
  return statuses;
}

describe('one account, from ever new addresses', () => {
  test('the sixth login is refused, also with the right password, in any spelling of the address', async () => {
    const email = 'ada@example.com';
    await app.modules.users.service.createUser({ email, password, role: 'customer' });
    const spellings = [email, 'ADA@example.com', ' ada@Example.com'];
    const wrong = await attempts(5, (i) => send('/auth/login', { email: spellings[i % 3], password: 'wrong' }));
    expect(wrong).toEqual([401, 401, 401, 401, 401]);
    const response = await send('/auth/login', { email, password });
    expect(response.status).toBe(429);
    expect(response.body.code).toBe('rate_limited');
    expect(Number(response.headers['retry-after'])).toBeGreaterThan(0);
    await send('/auth/login', { email: 'somebody@example.com', password }).expect(401);
  });

  test('a right login counts as well', async () => {
    const email = 'grace@example.com';
    await app.modules.users.service.createUser({ email, password, role: 'customer' });
    expect(await attempts(6, () => send('/auth/login', { email, password }))).toEqual([200, 200, 200, 200, 200, 429]);
  });

  test('an attempt that does not fit its schema counts as well', async () => {
    const email = 'joan@example.com';
    expect(await attempts(6, () => send('/auth/login', { email, pin: 1 }))).toEqual([400, 400, 400, 400, 400, 429]);
  });

  test('so does registering', async () => {
    const body = { email: 'mary@example.com', name: 'Mary', password };
    expect(await attempts(6, () => send('/users', body))).toEqual([201, 409, 409, 409, 409, 429]);
  });
});

describe('changing a password', () => {
  test('is tried five times per account, wherever it is tried from, and refused or not', async () => {
    const email = 'lise@example.com';
    await app.modules.users.service.createUser({ email, password, role: 'customer' });
    const { accessToken } = (await send('/auth/login', { email, password })).body.data;
    const change = (currentPassword: string) =>
      send('/users/me/password', { currentPassword, newPassword: 'staple green umbrella' }).set(
        'Authorization',
        `Bearer ${accessToken}`,
      );
    expect(await attempts(5, (i) => change(i < 3 ? 'wrong' : ''))).toEqual([422, 422, 422, 400, 400]);
    expect((await change(password)).status).toBe(429);
  });
});

describe('one session', () => {
  test('is refreshed five times; a forged token of the same session is counted apart', async () => {
    const email = 'edith@example.com';
    await app.modules.users.service.createUser({ email, password, role: 'customer' });
    let token: string = (await send('/auth/login', { email, password })).body.data.refreshToken;
    const forged = token.replace(/.{10}$/, 'AAAAAAAAAA');
    expect(await attempts(6, () => send('/auth/refresh', { refreshToken: forged }))).toEqual([
      401, 401, 401, 401, 401, 429,
    ]);
    const statuses = await attempts(6, async () => {
      const response = await send('/auth/refresh', { refreshToken: token });
      if (response.status === 200) token = response.body.data.refreshToken;
      return response;
    });
    expect(statuses).toEqual([200, 200, 200, 200, 200, 429]);
  });
});

describe('one address', () => {
  test('tries twenty accounts, and no more', async () => {
    const address = newAddress();
    const statuses = await attempts(21, (i) => send('/auth/login', { email: `p${i}@example.com`, password }, address));
    expect(statuses).toEqual([...Array<number>(20).fill(401), 429]);
    await send('/auth/login', { email: 'p1@example.com', password }).expect(401);
  });

  test('what it is refused does not count against the account', async () => {
    const address = newAddress();
    await attempts(20, (i) => send('/auth/login', { email: `q${i}@example.com`, password }, address));
    expect(await attempts(6, () => send('/auth/login', { email: 'victim@example.com', password }, address))).toEqual(
      Array(6).fill(429),
    );
    await send('/auth/login', { email: 'victim@example.com', password }).expect(401);
  });
});

describe('attempts aimed at nothing', () => {
  test.each([['{}'], ['[]'], ['{"email":{"toString":1},"refreshToken":[]}'], ['{"__proto__":{"email":"x"}}'], ['']])(
    '%s count for their sender, and never break',
    async (body) => {
      const address = newAddress();
      const post = (path: string) =>
        app.api
          .post(`/api/v1${path}`)
          .set('X-Forwarded-For', address)
          .set('Content-Type', 'application/json')
          .send(body);
      for (const path of ['/auth/login', '/auth/refresh', '/users']) {
        expect(await attempts(6, () => post(path))).toEqual([400, 400, 400, 400, 400, 429]);
      }
      await send('/auth/login', { email: 'ada2@example.com' }).expect(400);
    },
  );
});

describe('what is counted', () => {
  const rows = () => app.sql<{ key: string; count: number }>('SELECT key, count FROM users.attempts');

  test('lies in the database, for all processes, and names nobody', async () => {
    await app.sql('DELETE FROM users.attempts');
    const address = newAddress();
    await attempts(2, () => send('/auth/login', { email: 'rosa@example.com', password }, address));
    const found = await rows();
    expect(found.map(({ count }) => count)).toEqual([2, 2]);
    for (const { key } of found) expect(key).toMatch(/^[\w-]{43}$/);
  });

  test('by other processes counts here', async () => {
    const email = 'vera@example.com';
    await send('/auth/login', { email, password }).expect(401);
    await app.sql('UPDATE users.attempts SET count = 5');
    await send('/auth/login', { email, password }).expect(429);
  });

  test('begins anew when its window is over, and is purged then', async () => {
    const email = 'nelly@example.com';
    await send('/auth/login', { email, password }).expect(401);
    await app.sql(`UPDATE users.attempts SET count = 5, resets_at = now() - interval '1 second'`);
    await send('/auth/login', { email, password }).expect(401);
    await app.runJob('users.purge-attempts');
    expect((await rows()).map(({ count }) => count)).toEqual([1, 1]);
  });

  test('is counted in memory while the database cannot, and nobody waits for it', async () => {
    const email = 'hedy@example.com';
    await app.sql('ALTER TABLE users.attempts RENAME TO attempts_away');
    const body = { email, password };
    expect(await attempts(6, () => send('/auth/login', body))).toEqual([401, 401, 401, 401, 401, 429]);
    await app.sql('ALTER TABLE users.attempts_away RENAME TO attempts');
  });
});
