// The rule for passwords that are too weak.
import { describe, expect, test } from 'vitest';
import { commonPasswords } from '../common-passwords.ts';
import { passwordLength, weaknessOf } from '../password.ts';

const email = 'Lovelace@example.com';

describe('a weak password', () => {
  test.each([
    ['one of the most used', 'password123'],
    ['one of the most used, in capitals', 'PASSWORD123'],
    ['one character repeated', 'zzzzzzzz'],
    ['characters upwards', 'cdefghij'],
    ['characters downwards', '98765432'],
    ['characters in a row, mixed case', 'aBcDeFgH'],
    ['one emoji repeated', '🦊'.repeat(8)],
    ['the e-mail address', 'lovelace@EXAMPLE.com'],
    ['the local part inside', 'my-LOVELACE-1815'],
  ])('%s', (_why, password) => expect(weaknessOf(password, email)).toMatch(/^This /));

  test('is its own address even when the local part is short', () => {
    expect(weaknessOf('ada@example.com', 'ada@example.com')).not.toBeNull();
  });
});

test('a local part of four characters inside is one, too', () => {
  expect(weaknessOf('the-rose-garden', 'rose@example.com')).not.toBeNull();
});

describe('a good password', () => {
  test.each([
    ['unrelated words', 'correct horse battery', email],
    ['steps of two', 'acegikmo', email],
    ['a row that turns', 'abcdedcb', email],
    ['the domain alone', 'example.com!', email],
    ['a short local part inside, by chance', 'adagio in g minor', 'ada@example.com'],
  ])('%s', (_why, password, email) => expect(weaknessOf(password, email)).toBeNull());
});

test('the list is lower-case and holds nothing that its length refuses anyway', () => {
  const wrong = [...commonPasswords].filter((one) => one !== one.toLowerCase() || one.length < 8);
  expect(wrong).toEqual([]);
  expect(commonPasswords.size).toBeGreaterThan(100);
});

test('length counts what people see as characters more nearly than UTF-16 does', () => {
  expect(passwordLength('🦊🦊é')).toBe(3);
});
