// The rules of the timeline: whose doing it was, and how much of that a customer is told.
import { describe, expect, test } from 'vitest';
import { doerOf, factOf } from '../timeline.ts';

const CUSTOMER = 'customer-id';
const deed = (action: string, actorKind: 'user' | 'api_key' | null = null, actorId: string | null = null) => ({
  action,
  actorKind,
  actorId,
  requestId: 'request-id',
});

describe('whose doing it was', () => {
  test.each([
    [deed('place', 'user', CUSTOMER), 'customer'],
    // Written before kinds were.
    [deed('place', null, CUSTOMER), 'customer'],
    [deed('cancel', 'user', 'staff-id'), 'staff'],
    [deed('place', 'api_key', 'key-id'), 'api_key'],
    [deed('confirm'), 'payment'],
    [deed('payment.refunded'), 'payment'],
    [deed('expire'), 'system'],
  ] as const)('%o: %s', (one, type) => {
    expect(doerOf(one, CUSTOMER, { isForStaff: true })).toEqual({ type, id: one.actorId, requestId: 'request-id' });
  });

  test('a customer is told that the house acted, not who in it', () => {
    const seen = (one: Parameters<typeof doerOf>[0]) => doerOf(one, CUSTOMER, { isForStaff: false });
    const house = { type: 'staff', id: null, requestId: null };
    expect(seen(deed('cancel', 'user', 'staff-id'))).toEqual(house);
    expect(seen(deed('cancel', 'api_key', 'key-id'))).toEqual(house);
    expect(seen(deed('cancel', 'user', CUSTOMER))).toEqual({ type: 'customer', id: CUSTOMER, requestId: 'request-id' });
    expect(seen(deed('expire'))).toEqual({ type: 'system', id: null, requestId: 'request-id' });
  });
});

test('steps are named by their facts, and facts by themselves', () => {
  expect(['place', 'fulfil_part', 'fulfil', 'deliver', 'complete', 'payment.captured'].map(factOf)).toEqual([
    'order.placed',
    'fulfillment.created',
    'fulfillment.created',
    'fulfillment.delivered',
    'fulfillment.delivered',
    'payment.captured',
  ]);
});
