// Somebody wants to know who has an account: nothing in an answer may tell. Its time is looked at by `npm run timing`.
import { randomUUID } from 'node:crypto';
import { afterAll, describe, expect, test } from 'vitest';
import { startTestApp, type TestApp } from '../support/app.ts';

const app = await startTestApp();
const limited = await startTestApp({ config: { loginRateLimitMax: 3, loginRateLimitAddressMax: 6 } });
afterAll(async () => void (await Promise.all([app.close(), limited.close()])));

const customer = await app.signIn();
const staff = await app.signIn({ role: 'admin' });
const disabled = await app.signIn();
await app.sql(`UPDATE users.users SET status = 'disabled' WHERE id = $1`, [disabled.userId]);

type Answer = { status: number; headers: Record<string, unknown>; body: object };

/** All of it but what is new in each answer. */
async function ask(where: TestApp, path: string, body: object): Promise<Answer> {
  const { status, headers, body: answer } = await where.api.post(`/api/v1${path}`).send(body);
  const { date: _date, 'x-request-id': _id, ratelimit: _rest, ...others } = headers as Record<string, unknown>;
  return { status, headers: others, body: { ...(answer as object), requestId: '' } };
}

describe('API2:2023 and ASVS 6.3.8: logging in', () => {
  const wrong = 'Correct-horse-8-staple';
  const attempts: [string, string, string][] = [
    ['a wrong password', customer.email, wrong],
    ['a wrong password of staff', staff.email, wrong],
    ['the right password of a disabled account', disabled.email, disabled.password],
    ['a wrong password of a disabled account', disabled.email, wrong],
    ['an address in other letters', customer.email.toUpperCase(), wrong],
    ['a password that could not be one', customer.email, 'x'],
    ['somebody else’s password', customer.email, 'another-Password-9'],
  ];

  test.each(attempts)('%s is answered like an address that nobody has', async (_what, email, password) => {
    const unknown = await ask(app, '/auth/login', { email: `${randomUUID()}@example.com`, password: wrong });
    expect(unknown.status).toBe(401);
    expect(await ask(app, '/auth/login', { email, password })).toEqual(unknown);
  });

  test('the limit counts an address that nobody has like any other', async () => {
    const known = await limited.signIn();
    const answers = async (email: string) => {
      const seen: Answer[] = [];
      for (let i = 0; i < 4; i++) seen.push(await ask(limited, '/auth/login', { email, password: wrong }));
      return seen.map(({ status, body }) => ({ status, body }));
    };
    // One attempt of the known account was spent on signing in.
    const [one, two] = [await answers(known.email), await answers(`${randomUUID()}@example.com`)];
    expect(one.map(({ status }) => status)).toEqual([401, 401, 429, 429]);
    expect(two.map(({ status }) => status)).toContain(429);
    expect(one[0]).toEqual(two[0]);
    expect(one.at(-1)).toEqual(two.at(-1));
  });
});

describe('API2:2023 and ASVS 6.3.8: opening an account', () => {
  const registration = (email: string) => ({ email, name: 'Ada', password: 'Correct-horse-7-staple' });

  test('an address that is taken is told so, as the API documents, and nothing of whose it is', async () => {
    const [one, two, three] = await Promise.all(
      [customer, staff, disabled].map(({ email }) => ask(app, '/users', registration(email))),
    );
    expect(one?.status).toBe(409);
    expect(two).toEqual(one);
    expect(three).toEqual(one);
  });

  test('one network address cannot ask for many', async () => {
    const statuses: number[] = [];
    for (let i = 0; i < 8; i++)
      statuses.push((await ask(limited, '/users', registration(`${randomUUID()}@example.com`))).status);
    expect(statuses).toEqual([201, 201, 201, 201, 201, 201, 429, 429]);
  });
});

const paths = Object.keys(app.document.paths ?? {});

describe('API2:2023 and ASVS 6.3.8: forgetting a password', () => {
  const path = '/auth/forgot-password';

  test.runIf(paths.includes(path))('an address is answered like one that nobody has', async () => {
    const unknown = await ask(app, path, { email: `${randomUUID()}@example.com` });
    expect(unknown.status).toBe(202);
    for (const { email } of [customer, staff, disabled]) expect(await ask(app, path, { email })).toEqual(unknown);
  });
});

test('ASVS 6.3.2: there is no account that one could guess', async () => {
  const { email } = await app.signIn();
  const accounts = await app.sql<{ email: string }>('SELECT email FROM users.users');
  expect(accounts.map((one) => one.email)).toContain(email);
  expect(accounts.filter((one) => !one.email.endsWith('@example.com'))).toEqual([]);
});
