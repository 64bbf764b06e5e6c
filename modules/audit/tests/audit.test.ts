// What is worth an entry, and what of it is blacked out: the pure rules of the trail.
import { describe, expect, test } from 'vitest';
import { BLACKED_OUT, blackOut, isRecorded } from '../audit.ts';

const entryOf = (kind: 'user' | 'api_key', role: string, action: string) => ({
  actor: { kind, userId: 'ada', role },
  action,
  subject: { type: 'thing', id: null },
});

describe('an entry is made of', () => {
  test.each([
    [entryOf('user', 'customer', 'order.cancelled'), false],
    [entryOf('user', 'customer', 'auth.logged_in'), true],
    [entryOf('user', 'support', 'order.cancelled'), true],
    [entryOf('user', 'admin', 'user.updated'), true],
    [entryOf('api_key', 'api_key', 'order.cancelled'), true],
    [{ ...entryOf('user', 'admin', 'auth.login_failed'), actor: null }, true],
    [{ ...entryOf('user', 'admin', 'order.expired'), actor: null }, true],
  ])('%j: %s', (entry, expected) => expect(isRecorded(entry)).toBe(expected));
});

describe('blacked out', () => {
  test.each([
    'password',
    'newPassword',
    'refreshToken',
    'secret',
    'tokenHash',
    'email',
    'name',
    'phone',
    'line1',
    'city',
    'postalCode',
    'shippingAddress',
    'note',
  ])('is %s, wherever it stands', (key) => {
    expect(blackOut({ [key]: 'x', nested: [{ [key]: { deep: 'x' } }] })).toEqual({
      [key]: BLACKED_OUT,
      nested: [{ [key]: BLACKED_OUT }],
    });
  });

  test('is nothing else: amounts, states and ids stay, and what was absent is seen to be', () => {
    const at = new Date(0);
    const harmless = {
      id: '1',
      title: 'A mug',
      status: 'active',
      price: { amount: 1, currency: 'EUR' },
      email: null,
      at,
      tags: ['a'],
      is: true,
    };
    expect(blackOut(harmless)).toEqual(harmless);
    expect(blackOut(null)).toBeNull();
  });
});
