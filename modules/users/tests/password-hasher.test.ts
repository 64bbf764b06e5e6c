// How passwords are hashed: few at a time, and as much work for nobody as for somebody.
import * as argon2 from '@node-rs/argon2';
import { describe, expect, test, vi } from 'vitest';
import { PasswordHasher } from '../password-hasher.ts';

// Only to see what the library is asked for: it does its work all the same.
vi.mock('@node-rs/argon2', { spy: true });

const cheap = { memoryKib: 64, passes: 1, lanes: 1 };

test('a password fits its own hash and no other', async () => {
  const hasher = new PasswordHasher(cheap);
  const hash = await hasher.hash('correct horse battery');
  expect(await hasher.verify('correct horse battery', hash)).toBe(true);
  expect(await hasher.verify('correct horse batterY', hash)).toBe(false);
  expect(await hasher.hash('correct horse battery')).not.toBe(hash);
});

test('é is é, typed on whatever keyboard', async () => {
  const hasher = new PasswordHasher(cheap);
  expect(await hasher.verify('caf\u0065\u0301 noir', await hasher.hash('caf\u00e9 noir'))).toBe(true);
});

test('the cost is what OWASP asks for, unless told otherwise', async () => {
  expect(await new PasswordHasher().hash('correct horse battery')).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
});

test('without an account nothing fits, and the same work is done', async () => {
  const hasher = new PasswordHasher();
  const hash = await hasher.hash('correct horse battery');
  vi.mocked(argon2.verify).mockClear();
  expect(await hasher.verify('correct horse battery', hash)).toBe(true);
  expect(await hasher.verify('correct horse battery', null)).toBe(false);
  const [compared, forNothing] = vi.mocked(argon2.verify).mock.calls.map(([against]) => String(against).split('$'));
  expect(forNothing?.slice(0, 4)).toEqual(compared?.slice(0, 4));
  expect(forNothing?.map(({ length }) => length)).toEqual(compared?.map(({ length }) => length));
});

describe('when everyone comes at once', () => {
  test('52 are served, the rest is told to come back in a second, and then all is well again', async () => {
    const hasher = new PasswordHasher(cheap);
    const results = await Promise.allSettled(Array.from({ length: 60 }, () => hasher.hash('correct horse battery')));
    const refusals = results.filter((one) => one.status === 'rejected').map((one): unknown => one.reason);
    expect(refusals).toHaveLength(8);
    expect(refusals[0]).toMatchObject({ kind: 'unavailable', code: 'password_hashing_busy', retryAfterSeconds: 1 });
    expect(await hasher.hash('correct horse battery')).toMatch(/^\$argon2id\$/);
  });

  test('one that fails gives its turn on', async () => {
    const hasher = new PasswordHasher(cheap);
    const broken = Array.from({ length: 6 }, () => hasher.verify('any', 'not a hash'));
    expect((await Promise.allSettled(broken)).map(({ status }) => status)).toEqual(Array(6).fill('rejected'));
    expect(await hasher.verify('any', null)).toBe(false);
  });
});
