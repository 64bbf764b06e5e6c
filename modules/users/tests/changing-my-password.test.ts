// Somebody changes the password: whoever knew the old one is out, in every order of events.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestApp, type Person, type TestApp } from '../../../tests/support/app.ts';
import { hold, untilWaiting } from '../../../tests/support/races.ts';

const path = '/api/v1/users/me/password';
const newPassword = 'staple green umbrella';
let app: TestApp;

beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());

const change = ({ auth, password }: Person, body: object = {}) =>
  app.api
    .post(path)
    .set(auth)
    .send({ currentPassword: password, newPassword, ...body });
const logIn = (email: string, password: string) => app.api.post('/api/v1/auth/login').send({ email, password });
const refresh = (refreshToken: string) => app.api.post('/api/v1/auth/refresh').send({ refreshToken });
const openSessions = async ({ userId }: Person) =>
  (await app.sql('SELECT FROM users.sessions WHERE user_id = $1 AND revoked_at IS NULL', [userId])).length;

describe('changing it', () => {
  test('the new one is good, the old one is not', async () => {
    const person = await app.signIn();
    await change(person).expect(204);
    await logIn(person.email, person.password).expect(401);
    await logIn(person.email, newPassword).expect(200);
  });

  test('ends every session at once, also the caller’s', async () => {
    const person = await app.signIn();
    const other = (await logIn(person.email, person.password).expect(200)).body.data;
    const elsewhere = { Authorization: `Bearer ${other.accessToken}` };
    await app.api.get('/api/v1/users/me').set(elsewhere).expect(200);
    await change(person).expect(204);
    for (const auth of [person.auth, elsewhere]) await app.api.get('/api/v1/users/me').set(auth).expect(401);
    for (const token of [person.refreshToken, other.refreshToken]) await refresh(token).expect(401);
  });

  test('leaves the sessions of others alone', async () => {
    const [person, other] = [await app.signIn(), await app.signIn()];
    await change(person).expect(204);
    await app.api.get('/api/v1/users/me').set(other.auth).expect(200);
  });
});

describe('what is refused changes nothing', () => {
  const cases: [string, object, number, string][] = [
    ['a wrong current password', { currentPassword: 'not this one' }, 422, 'current_password_wrong'],
    ['one of the most used', { newPassword: 'password123' }, 400, 'password_weak'],
    ['a new one too short', { newPassword: 'short' }, 400, 'too_small'],
    ['a new one too long', { newPassword: 'x'.repeat(129) }, 400, 'too_big'],
    ['no current password', { currentPassword: undefined }, 400, 'required'],
    ['an unknown field', { email: 'x@example.com' }, 400, 'unknown_field'],
  ];

  test.each(cases)('%s', async (_what, body, status, code) => {
    const person = await app.signIn();
    const response = await change(person, body);
    expect(response.status).toBe(status);
    expect(response.body.errors?.[0].code ?? response.body.code).toBe(code);
    expect(await openSessions(person)).toBe(1);
    await logIn(person.email, person.password).expect(200);
  });

  test('one that holds the own address is weak, and is pointed at', async () => {
    const person = await app.signIn({ email: 'augusta@example.com' });
    const { body } = await change(person, { newPassword: 'i-am-AUGUSTA-ok' }).expect(400);
    expect(body.errors).toEqual([expect.objectContaining({ pointer: '/newPassword', code: 'password_weak' })]);
  });
});

/** What is under way is played by the hold itself, so that one request waits, and only for a moment: a wait of 1.2 s is refused. */
describe('while something else is under way', () => {
  const anotherPassword = 'UPDATE users.users SET password_hash = $2 WHERE id = $1';
  const aRotation = `UPDATE users.sessions SET token_hash = sha256('next'), generation = generation + 1 WHERE user_id = $1`;
  const sessionRows = 'SELECT FROM users.sessions WHERE user_id = $1 FOR UPDATE';

  test('a refresh that came first is ended with its session', async () => {
    const person = await app.signIn();
    const held = await hold(app, aRotation, [person.userId]);
    const changing = change(person).then((response) => response);
    await untilWaiting(app, 1);
    await held.letGo();
    expect((await changing).status).toBe(204);
    expect(await openSessions(person)).toBe(0);
  });

  test('a refresh that came second gets nothing', async () => {
    const person = await app.signIn();
    const held = await hold(app, sessionRows, [person.userId]);
    const changing = change(person).then((response) => response);
    await untilWaiting(app, 1);
    const refreshing = refresh(person.refreshToken).then((response) => response);
    await untilWaiting(app, 2);
    await held.letGo();
    expect((await changing).status).toBe(204);
    expect((await refreshing).body.code).toBe('refresh_token_invalid');
    expect(await openSessions(person)).toBe(0);
  });

  test('a login that was checked against the old password opens nothing', async () => {
    const person = await app.signIn();
    const held = await hold(app, anotherPassword, [person.userId, 'another']);
    const loggingIn = logIn(person.email, person.password).then((response) => response);
    await untilWaiting(app, 1);
    await held.letGo();
    expect((await loggingIn).body.code).toBe('credentials_invalid');
    expect(await openSessions(person)).toBe(1);
  });

  test('a change that was checked against the old password is told that it is wrong by now', async () => {
    const person = await app.signIn();
    const held = await hold(app, anotherPassword, [person.userId, 'another']);
    const changing = change(person).then((response) => response);
    await untilWaiting(app, 1);
    await held.letGo();
    expect((await changing).body.code).toBe('current_password_wrong');
    const rows = await app.sql('SELECT password_hash AS hash FROM users.users WHERE id = $1', [person.userId]);
    expect(rows).toEqual([{ hash: 'another' }]);
  });
});
