// An operator makes a user: npm run user:create.
import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestApp, type TestApp } from '../../../tests/support/app.ts';

const root = new URL('../../../', import.meta.url);
const password = 'correct horse battery';
let app: TestApp;

beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());

async function userCreate(args: string[], input: string, env: Record<string, string> = {}) {
  const child = spawn(process.execPath, ['--import', 'tsx', 'scripts/user-create.ts', ...args], {
    cwd: root,
    env: { PATH: process.env['PATH'], NODE_ENV: 'test', DATABASE_URL: app.databaseUrlFor('postgres'), ...env },
  });
  child.stdin.end(input);
  const exited = new Promise((resolve) => child.once('close', resolve));
  const [stdout, stderr, exitCode] = await Promise.all([text(child.stdout), text(child.stderr), exited]);
  return { stdout, stderr, exitCode };
}

test('makes a user who can log in, and says so in one line without the password', async () => {
  const said = await userCreate(
    ['--email', 'Ada@example.com', '--role', 'admin', '--name', 'Ada'],
    `${password}\nmore\n`,
  );
  expect(said).toEqual({
    stdout: expect.stringMatching(/^Created admin ada@example\.com \([\da-f-]{36}\)\n$/),
    stderr: '',
    exitCode: 0,
  });
  await app.api.post('/api/v1/auth/login').send({ email: 'ada@example.com', password }).expect(200);
  expect(await app.sql(`SELECT name, role FROM users.users WHERE email = 'ada@example.com'`)).toEqual([
    { name: 'Ada', role: 'admin' },
  ]);
});

describe('says what is wrong', () => {
  test('an address that is taken', async () => {
    await app.modules.users.service.createUser({ email: 'grace@example.com', password, role: 'customer' });
    const said = await userCreate(['--email', 'GRACE@example.com', '--role', 'support'], `${password}\n`);
    expect(said).toEqual({ stdout: '', stderr: 'There is an account with this e-mail address.\n', exitCode: 1 });
  });

  test.each([
    ['a weak password', 'new@example.com', 'password123\n', 'password: This is one of the most used passwords.'],
    ['a short one', 'new@example.com', 'short\n', 'password: At least 8 characters.'],
    ['no password at all', 'new@example.com', '', 'No password was given.'],
    ['no address', 'new', `${password}\n`, 'email: Not an e-mail address.'],
  ])('%s', async (_what, email, input, message) => {
    const said = await userCreate(['--email', email, '--role', 'support'], input);
    expect(said).toMatchObject({ stdout: '', exitCode: 1 });
    expect(said.stderr).toContain(message);
    expect(await app.sql(`SELECT FROM users.users WHERE email = 'new@example.com'`)).toEqual([]);
  });

  test.each([
    ['no address', ['--role', 'admin'], '--email is missing'],
    ['no role', ['--email', 'new@example.com'], '--role is missing'],
    ['an unknown role', ['--email', 'new@example.com', '--role', 'boss'], 'there is no role "boss"'],
    ['an unknown option', ['--mail', 'new@example.com'], "Unknown option '--mail'"],
    ['a stray word', ['new@example.com'], 'Unexpected argument'],
  ])('%s, with how it is used', async (_what, args, message) => {
    const said = await userCreate(args, `${password}\n`);
    expect(said).toMatchObject({ stdout: '', exitCode: 64 });
    expect(said.stderr).toContain(message);
    expect(said.stderr).toContain('usage: npm run user:create -- --email');
  });

  test('a configuration that is refused', async () => {
    const said = await userCreate(['--email', 'new@example.com', '--role', 'admin'], `${password}\n`, {
      DATABASE_POOL_MAX: 'many',
    });
    expect(said).toMatchObject({ stdout: '', exitCode: 78 });
    expect(said.stderr).toContain('DATABASE_POOL_MAX');
  });
});
