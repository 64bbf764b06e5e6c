// Somebody has forgotten the password, and chooses a new one with the token of a mail.
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { startTestApp, type Person, type TestApp } from '../../../tests/support/app.ts';
import { hold, untilWaiting } from '../../../tests/support/races.ts';
import { readableLog, until } from '../../../tests/support/room-database.ts';

let app: TestApp;

beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());

const newPassword = 'staple green umbrella';
const forget = (email: unknown) => app.api.post('/api/v1/auth/forgot-password').send({ email });
const reset = (token: unknown, password: unknown = newPassword) =>
  app.api.post('/api/v1/auth/reset-password').send({ token, newPassword: password });
const logIn = (email: string, password: string) => app.api.post('/api/v1/auth/login').send({ email, password });
const me = ({ auth }: Person) => app.api.get('/api/v1/users/me').set(auth);
const mailsTo = (email: string) => app.mails.filter(({ to }) => to === email);

async function forgetful(): Promise<Person & { token: string }> {
  const person = await app.signIn();
  await forget(person.email).expect(202);
  return { ...person, token: await app.mailedToken(person.email) };
}

test('the new password is good, the old one is not, and every session has ended', async () => {
  const { token, ...person } = await forgetful();
  const other = (await logIn(person.email, person.password).expect(200)).body.data;
  await me(person).expect(200);
  expect((await reset(token)).status).toBe(204);
  expect((await me(person)).status).toBe(401);
  const auth = { Authorization: `Bearer ${other.accessToken}` };
  expect((await app.api.get('/api/v1/users/me').set(auth)).status).toBe(401);
  for (const refreshToken of [person.refreshToken, other.refreshToken]) {
    await app.api.post('/api/v1/auth/refresh').send({ refreshToken }).expect(401);
  }
  await logIn(person.email, person.password).expect(401);
  await logIn(person.email, newPassword).expect(200);
});

describe('asking tells nothing about an address', () => {
  /** All that any connection of this process sent meanwhile, and how it answered. */
  async function traceOf(email: string) {
    const spy = vi.spyOn(pg.Client.prototype, 'query');
    try {
      const { status, body, headers } = await forget(email);
      const statements = spy.mock.calls.map(([statement]) => (statement as unknown as { text: string }).text);
      // What goes on afterwards, when the fact is heard, is not part of the answer.
      const own = statements
        .map((text) => text.replace(/request_id=\S+/, ''))
        .filter((text) => !/events\.claim_due/.test(text));
      return { status, body: body as unknown, headers: Object.keys(headers), statements: own };
    } finally {
      spy.mockRestore();
    }
  }

  test('a known, an unknown and a disabled one have the same answer and the same statements', async () => {
    const [known, disabled] = [await app.signIn(), await app.signIn()];
    await app.sql(`UPDATE users.users SET status = 'disabled' WHERE id = $1`, [disabled.userId]);
    const trace = await traceOf(known.email);
    expect(trace).toMatchObject({ status: 202, body: { data: { sendsMail: true } } });
    expect(trace.statements.length).toBeGreaterThanOrEqual(5);
    expect(await traceOf(`nobody-${randomUUID()}@example.com`)).toEqual(trace);
    expect(await traceOf(disabled.email)).toEqual(trace);
  });

  test('each leaves as many rows', async () => {
    const { email } = await app.signIn();
    const rows = async () => {
      const [row] = await app.sql(
        `SELECT (SELECT count(*) FROM events.outbox)::int AS facts, (SELECT count(*) FROM events.deliveries)::int AS deliveries,
           (SELECT count(*) FROM audit.entries)::int AS entries`,
      );
      return row as { facts: number; deliveries: number; entries: number };
    };
    for (const asked of [email, `nobody-${randomUUID()}@example.com`]) {
      const before = await rows();
      await forget(asked).expect(202);
      const { facts, deliveries, entries } = await rows();
      expect({ facts, deliveries, entries }).toEqual({
        facts: before.facts + 1,
        deliveries: before.deliveries + 1,
        entries: before.entries + 1,
      });
    }
  });

  test('only who has an active account gets a mail, in any spelling of the address', async () => {
    const [known, disabled] = [await app.signIn(), await app.signIn()];
    await app.sql(`UPDATE users.users SET status = 'disabled' WHERE id = $1`, [disabled.userId]);
    const nobody = `nobody-${randomUUID()}@example.com`;
    for (const email of [` ${known.email.toUpperCase()}`, disabled.email, nobody]) await forget(email).expect(202);
    await app.dispatch();
    expect([known.email, disabled.email, nobody].map((email) => mailsTo(email).length)).toEqual([1, 0, 0]);
    const [dead] = await app.sql(`SELECT count(*)::int AS count FROM events.deliveries WHERE status <> 'delivered'`);
    expect(dead?.['count']).toBe(0);
  });

  test('the fact holds neither token nor address, and the trail says who was meant only if there is one', async () => {
    const { userId, email } = await app.signIn();
    await forget(email).expect(202);
    const facts = await app.sql(`SELECT payload FROM events.outbox WHERE aggregate_id = $1`, [userId]);
    expect(facts).toEqual([{ payload: { userId } }]);
    const entries = await app.sql(
      `SELECT actor_id, before, after, subject_type FROM audit.entries WHERE action = 'auth.password_reset_requested' AND subject_id = $1`,
      [userId],
    );
    expect(entries).toEqual([{ actor_id: null, before: null, after: null, subject_type: 'user' }]);
  });

  test.each([['ada'], [1], [null], [undefined], [['ada@example.com']], [{ $ne: null }], ['a\0@example.com']])(
    '%s is no address',
    async (email) => {
      expect((await forget(email).expect(400)).body.code).toBe('validation_failed');
    },
  );
});

describe('a token', () => {
  test('is good once', async () => {
    const { token, email } = await forgetful();
    await reset(token).expect(204);
    expect((await reset(token, 'another green umbrella').expect(422)).body.code).toBe('reset_token_invalid');
    await logIn(email, newPassword).expect(200);
  });

  test('is good once also for two who come together', async () => {
    const { token, userId } = await forgetful();
    const { letGo } = await hold(app, 'SELECT FROM users.users WHERE id = $1 FOR UPDATE', [userId]);
    const both = [reset(token), reset(token, 'another green umbrella')].map(async (sent) => (await sent).status);
    await untilWaiting(app, 2);
    await letGo();
    expect(await Promise.all(both)).toEqual(expect.arrayContaining([204, 422]));
  });

  test('is replaced by a newer one', async () => {
    const { token, email } = await forgetful();
    await forget(email).expect(202);
    const newer = await app.mailedToken(email);
    expect((await reset(token)).status).toBe(422);
    expect((await reset(newer)).status).toBe(204);
  });

  test('expires', async () => {
    const { token, userId } = await forgetful();
    await app.sql('UPDATE users.one_time_tokens SET expires_at = now() WHERE user_id = $1', [userId]);
    expect((await reset(token)).status).toBe(422);
  });

  test('lives as long as the configuration says', async () => {
    const { userId } = await forgetful();
    const [row] = await app.sql(
      `SELECT expires_at BETWEEN now() + interval '29 min' AND now() + interval '30 min' AS fits FROM users.one_time_tokens WHERE user_id = $1`,
      [userId],
    );
    expect(row).toEqual({ fits: true });
  });

  test('of an account disabled meanwhile is refused', async () => {
    const { token, userId } = await forgetful();
    await app.sql(`UPDATE users.users SET status = 'disabled' WHERE id = $1`, [userId]);
    expect((await reset(token)).status).toBe(422);
  });

  test('does not verify an address', async () => {
    const { token } = await forgetful();
    expect((await app.api.post('/api/v1/auth/verify-email').send({ token })).status).toBe(422);
    await reset(token).expect(204);
  });

  test('survives a weak password, which changes nothing', async () => {
    const { token, email, password } = await forgetful();
    for (const weak of ['password123', email]) {
      const { body } = await reset(token, weak).expect(400);
      expect(body).toMatchObject({ errors: [{ pointer: '/newPassword', code: 'password_weak' }] });
    }
    await logIn(email, password).expect(200);
    await reset(token).expect(204);
  });

  test.each([
    ['a short password', { newPassword: 'seven77' }, '/newPassword'],
    ['no password', { newPassword: undefined }, '/newPassword'],
    ['no token', { token: undefined }, '/token'],
    ['a user of one’s own choice', { userId: '01939d3a-7c1e-7b1a-8f00-000000000001' }, '/userId'],
  ])('with %s is not looked at', async (_what, change, pointer) => {
    const { token } = await forgetful();
    const { body } = await app.api
      .post('/api/v1/auth/reset-password')
      .send({ token, newPassword, ...change })
      .expect(400);
    expect(body.errors).toMatchObject([{ pointer }]);
    await reset(token).expect(204);
  });
});

test('the deed is in the trail, by the account itself', async () => {
  const { token, userId } = await forgetful();
  await reset(token).expect(204);
  const [entry] = await app.sql(
    `SELECT actor_id, role, subject_id, before, after FROM audit.entries WHERE action = 'auth.password_reset' AND subject_id = $1`,
    [userId],
  );
  expect(entry).toEqual({ actor_id: userId, role: 'customer', subject_id: userId, before: null, after: null });
});

describe('when the mail server is away', () => {
  test('the mail is sent later, with a token that is good, and the log names nobody', async () => {
    const { logger, lines } = readableLog();
    const sent: string[] = [];
    let isAway = true;
    const mailer = {
      delivers: true,
      send: async ({ text }: { text: string }) => {
        sent.push(text);
        if (isAway) throw new Error('the mail server did not take the mail');
      },
    };
    const story = await startTestApp({ mailer, logger });
    const { email, password, userId } = await story.signIn();
    await story.api.post('/api/v1/auth/forgot-password').send({ email }).expect(202);
    await story.dispatch();
    expect(sent).toHaveLength(1);
    isAway = false;
    await story.sql(`UPDATE events.deliveries SET next_at = now() WHERE aggregate_id = $1`, [userId]);
    await until(async () => (await story.dispatch(), sent.length === 2));
    const [first, second] = sent.map((text) => /^[\w-]{43}$/m.exec(text)?.[0]);
    expect(second).not.toBe(first);
    const send = (token: string | undefined) =>
      story.api.post('/api/v1/auth/reset-password').send({ token, newPassword });
    await send(first).expect(422);
    await send(second).expect(204);
    const log = JSON.stringify(lines);
    expect(log).toContain('delivery failed');
    for (const secret of [email, password, newPassword, first, second]) expect(log).not.toContain(secret);
    await story.close();
  });

  test('a server that sends no mail says so, to everybody alike', async () => {
    const story = await startTestApp({ mailer: { delivers: false, send: async () => undefined } });
    const { email } = await story.signIn();
    for (const asked of [email, 'nobody@example.com']) {
      const { body } = await story.api.post('/api/v1/auth/forgot-password').send({ email: asked }).expect(202);
      expect(body).toEqual({ data: { sendsMail: false } });
    }
    await story.close();
  });
});

describe('how often', () => {
  let limited: TestApp;
  let addresses = 0;

  beforeAll(async () => {
    limited = await startTestApp({ config: { loginRateLimitMax: 5, loginRateLimitAddressMax: 20, trustProxy: 1 } });
  });
  afterAll(() => limited.close());

  const post = (path: string, body: object, address = `198.51.100.${++addresses}`) =>
    limited.api.post(`/api/v1/auth${path}`).set('X-Forwarded-For', address).send(body);

  async function statusesOf(count: number, attempt: (i: number) => PromiseLike<{ status: number }>): Promise<number[]> {
    const statuses = [];
    for (let i = 0; i < count; i++) statuses.push((await attempt(i)).status);
    return statuses;
  }

  test.each([
    ['/forgot-password', { email: 'ada@example.com' }, 202],
    ['/forgot-password', { email: 'ada@example.com', pin: 1 }, 400],
    ['/reset-password', { token: 'guess', newPassword }, 422],
    ['/verify-email', { token: 'guess' }, 422],
  ])('%s: five times per account or token, from ever new addresses', async (path, body, status) => {
    const aimed = Object.fromEntries(
      Object.entries(body).map(([name, value]) => [
        name,
        name === 'email' || name === 'token' ? `${status}${value}` : value,
      ]),
    );
    expect(await statusesOf(6, () => post(path, aimed))).toEqual([...Array<number>(5).fill(status), 429]);
  });

  test.each([
    ['/forgot-password', (i: number) => ({ email: `p${i}@example.com` }), 202],
    ['/reset-password', (i: number) => ({ token: `guess-${i}`, newPassword }), 422],
    ['/verify-email', (i: number) => ({ token: `guess-${i}` }), 422],
  ])('%s: twenty times per address', async (path, body, status) => {
    const address = `198.51.100.${++addresses}`;
    const statuses = await statusesOf(21, (i) => post(path, body(i), address));
    expect(statuses).toEqual([...Array<number>(20).fill(status), 429]);
  });
});
