// The pure rules of a refund, as tables and as properties.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PaymentStatus } from '../payment.ts';
import type { ProviderState } from '../provider.ts';
import {
  amountOfPart,
  foreignMinor,
  leftToRefund,
  planRefund,
  refundable,
  statusOf,
  type LineTaken,
  type RefundWish,
} from '../refund.ts';

describe('the amount of a part of a line', () => {
  it.each([
    // of how many, for how much, refunded already, and how much, now → amount
    [1, 1190, 0, 0, 1, 1190],
    [3, 1000, 0, 0, 1, 333],
    [3, 1000, 1, 333, 1, 334],
    [3, 1000, 2, 667, 1, 333],
    [3, 1000, 0, 0, 3, 1000],
    [2, 5, 0, 0, 1, 3], // half up
    [2, 5, 1, 3, 1, 2],
    [10, 5, 0, 0, 1, 1],
    [10, 5, 1, 1, 1, 0],
    [10, 5, 9, 5, 1, 0],
    [4, 0, 0, 0, 4, 0],
    [10_000, Number.MAX_SAFE_INTEGER, 0, 0, 10_000, Number.MAX_SAFE_INTEGER],
    [10_000, Number.MAX_SAFE_INTEGER, 0, 0, 1, 900_719_925_474],
    // The 2nd and the 4th of ten for 5 failed after the 3rd and the 5th were refunded with 1 each.
    [10, 5, 3, 3, 1, 0],
    [10, 5, 9, 3, 1, 2],
  ])('%i pieces for %i, %i refunded with %i: %i more are %i', (quantity, totalMinor, gone, goneMinor, now, amount) => {
    expect(amountOfPart({ quantity, totalMinor }, { quantity: gone, amountMinor: goneMinor }, now)).toBe(amount);
  });

  const lines = fc.record({
    totalMinor: fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
    parts: fc.array(fc.record({ quantity: fc.integer({ min: 1, max: 50 }), fails: fc.boolean() }), {
      minLength: 1,
      maxLength: 20,
    }),
  });

  it('sums to the total of the line, however it is parted', () => {
    fc.assert(
      fc.property(lines, ({ totalMinor, parts }) => {
        const quantity = parts.reduce((sum, part) => sum + part.quantity, 0);
        let taken = { quantity: 0, amountMinor: 0 };
        for (const part of parts) taken = grown(taken, part.quantity, { quantity, totalMinor });
        expect(taken).toEqual({ quantity, amountMinor: totalMinor });
      }),
    );
  });

  it('is never negative and never beyond the total, and sums to it in the end, whichever refunds fail', () => {
    fc.assert(
      fc.property(lines, ({ totalMinor, parts }) => {
        const quantity = parts.reduce((sum, part) => sum + part.quantity, 0);
        const line = { quantity, totalMinor };
        let taken = { quantity: 0, amountMinor: 0 };
        const failing: { quantity: number; amountMinor: number }[] = [];
        for (const part of parts) {
          const amountMinor = amountOfPart(line, taken, part.quantity);
          expect(amountMinor).toBeGreaterThanOrEqual(0);
          taken = grown(taken, part.quantity, line);
          expect(taken.amountMinor).toBeLessThanOrEqual(totalMinor);
          if (part.fails) failing.push({ quantity: part.quantity, amountMinor });
        }
        for (const one of failing)
          taken = { quantity: taken.quantity - one.quantity, amountMinor: taken.amountMinor - one.amountMinor };
        if (taken.quantity < quantity) taken = grown(taken, quantity - taken.quantity, line);
        expect(taken).toEqual({ quantity, amountMinor: totalMinor });
      }),
    );
  });
});

type Taken = { quantity: number; amountMinor: number };
const grown = (taken: Taken, quantity: number, line: { quantity: number; totalMinor: number }): Taken => ({
  quantity: taken.quantity + quantity,
  amountMinor: taken.amountMinor + amountOfPart(line, taken, quantity),
});

const eur = (amount: number) => ({ amount, currency: 'EUR' });
const mug = { lineId: 'mug', sku: 'MUG', quantity: 3, shippedQuantity: 2, totalMinor: 1000 };
const gift = { lineId: 'gift', sku: 'GIFT', quantity: 1, shippedQuantity: 0, totalMinor: 0 };

type More = { refundedMinor?: number; takenMinor?: number; linesTaken?: LineTaken[] };
const plan = (wish: Partial<RefundWish>, { refundedMinor = 0, takenMinor = 0, linesTaken = [] }: More = {}) =>
  planRefund(
    { restock: false, ...wish },
    { payment: { capturedMinor: 1500, refundedMinor, currency: 'EUR' }, takenMinor, lines: [mug, gift], linesTaken },
  );
const giftTaken = { lineId: 'gift', quantity: 1, amountMinor: 0, restockedQuantity: 0 };
const ofMugs = (quantity: number) => [{ lineId: 'mug', quantity }];
const taken = (quantity: number, amountMinor: number, restockedQuantity = 0) => [
  { lineId: 'mug', quantity, amountMinor, restockedQuantity },
];

describe('a refund', () => {
  it.each<[string, Partial<RefundWish>, More, number]>([
    ['of an amount', { amount: eur(700) }, {}, 700],
    ['of all', {}, {}, 1500],
    ['of the rest', {}, { takenMinor: 400 }, 1100],
    ['of exactly what is left', { amount: eur(1100) }, { takenMinor: 400 }, 1100],
    ['of the rest, some given back by the provider', {}, { refundedMinor: 600, takenMinor: 400 }, 900],
    ['of a line', { lines: ofMugs(3) }, {}, 1000],
    ['of a piece', { lines: ofMugs(1) }, {}, 333],
    [
      'of a line beside one that was refunded',
      { lines: ofMugs(1) },
      { linesTaken: [giftTaken, ...taken(1, 333)] },
      334,
    ],
    ['of the last piece', { lines: ofMugs(1) }, { takenMinor: 667, linesTaken: taken(2, 667) }, 333],
    ['of what came back', { lines: ofMugs(2), restock: true }, {}, 667],
    ['of a piece beside a free one', { lines: [...ofMugs(1), { lineId: 'gift', quantity: 1 }] }, {}, 333],
  ])('%s', (_what, wish, more, amountMinor) => {
    const { lines, ...planned } = plan(wish, more);
    expect(planned).toEqual({ amountMinor });
    expect(lines.map(({ lineId, quantity }) => ({ lineId, quantity }))).toEqual(wish.lines ?? []);
  });

  it.each<[string, Partial<RefundWish>, More, string, object]>([
    ['more than was captured', { amount: eur(1501) }, {}, 'refund_exceeds_captured', { left: eur(1500) }],
    ['more than is left', { amount: eur(1) }, { takenMinor: 1500 }, 'refund_exceeds_captured', { left: eur(0) }],
    ['the rest of nothing', {}, { takenMinor: 1500 }, 'refund_exceeds_captured', { left: eur(0) }],
    [
      'lines beyond what is left',
      { lines: ofMugs(3) },
      { takenMinor: 501 },
      'refund_exceeds_captured',
      { left: eur(999) },
    ],
    ['another currency', { amount: { amount: 1, currency: 'USD' } }, {}, 'currency_mismatch', {}],
    ['nothing', { lines: [{ lineId: 'gift', quantity: 1 }] }, {}, 'nothing_to_refund', {}],
    [
      'nothing, when nothing is left',
      { lines: [{ lineId: 'gift', quantity: 1 }] },
      { takenMinor: 1500 },
      'nothing_to_refund',
      {},
    ],
  ])('is refused: %s', (_what, wish, more, code, facts) => {
    expect(() => plan(wish, more)).toThrow(
      expect.objectContaining({ code, ...(code === 'refund_exceeds_captured' && { facts }) }),
    );
  });

  it.each<[string, Partial<RefundWish>, More, string, object]>([
    [
      'a line that is not there',
      { lines: [...ofMugs(1), { lineId: 'cup', quantity: 1 }] },
      {},
      'unknown_line',
      { pointer: '/lines/1/lineId' },
    ],
    ['a line twice', { lines: [...ofMugs(1), ...ofMugs(1)] }, {}, 'duplicate_line', { pointer: '/lines/1/lineId' }],
    [
      'more than was ordered',
      { lines: ofMugs(4) },
      {},
      'refund_exceeds_ordered',
      { pointer: '/lines/0/quantity', left: 3 },
    ],
    [
      'a piece twice',
      { lines: ofMugs(2) },
      { linesTaken: taken(2, 667) },
      'refund_exceeds_ordered',
      { pointer: '/lines/0/quantity', left: 1 },
    ],
    [
      'back on hand what was not sent',
      { lines: ofMugs(3), restock: true },
      {},
      'restock_exceeds_shipped',
      { pointer: '/lines/0/quantity', left: 2 },
    ],
    [
      'back on hand what is back',
      { lines: ofMugs(2), restock: true },
      { linesTaken: taken(1, 333, 1) },
      'restock_exceeds_shipped',
      { pointer: '/lines/0/quantity', left: 1 },
    ],
  ])('is refused, with the place: %s', (_what, wish, more, code, fault) => {
    expect(() => plan(wish, more)).toThrow(
      expect.objectContaining({ code, faults: [expect.objectContaining({ code, ...fault })] }),
    );
  });
});

describe('what is left', () => {
  it.each([
    // captured, given back as the provider tells, asked for by us → left
    [1000, 0, 0, 1000],
    [1000, 0, 300, 700],
    [1000, 300, 300, 700],
    [1000, 300, 800, 200],
    [1000, 900, 300, 100],
    [1000, 1000, 1000, 0],
    [1000, 0, 1200, 0],
    [0, 0, 0, 0],
  ])('of %i, of which %i went back and %i were asked for, is %i', (capturedMinor, refundedMinor, takenMinor, left) => {
    expect(leftToRefund({ capturedMinor, refundedMinor }, takenMinor)).toBe(left);
  });

  it.each([
    // before, after, asked for by us → given back by somebody else since
    [0, 300, 300, 0],
    [0, 300, 800, 0],
    [0, 300, 0, 300],
    [300, 800, 300, 500],
    [200, 800, 300, 500],
    [800, 800, 300, 0],
  ])('of %i to %i, with %i asked for by us, %i are of somebody else', (before, after, takenMinor, foreign) => {
    expect(foreignMinor(before, after, takenMinor)).toBe(foreign);
  });
});

describe('the payment that is refunded', () => {
  it.each<[PaymentStatus[], number]>([
    [['captured'], 0],
    [['declined', 'captured'], 1],
    [['captured', 'declined'], 0],
    [['refunded'], 0],
    [['refunded', 'captured'], 1],
    [['captured', 'refunded'], 0],
  ])('of %j is the one at %i', (statuses, i) => {
    const rows = statuses.map((status) => ({ status }));
    expect(refundable(rows)).toBe(rows[i]);
  });

  it.each<[PaymentStatus[]]>([[[]], [['processing']], [['authorized', 'declined']], [['voided']]])(
    'is none of %j',
    (statuses) => {
      expect(() => refundable(statuses.map((status) => ({ status })))).toThrow(
        expect.objectContaining({ code: 'payment_status_forbidden', facts: { allowed: ['captured'] } }),
      );
    },
  );
});

const charge = { status: 'captured' as const, authorizedMinor: 1, capturedMinor: 1, refundedMinor: 1 };
const answers: [ProviderState, string][] = [
  [{ state: 'succeeded', charge }, 'succeeded'],
  [{ state: 'declined', reason: 'no' }, 'failed'],
  [{ state: 'processing' }, 'pending'],
  [{ state: 'unknown', reason: 'timed_out' }, 'pending'],
  [{ state: 'requires_action', nextAction: { type: 'redirect', url: 'https://example.com' } }, 'pending'],
];
it.each(answers)('told %j, a refund is %s', (state, status) => {
  expect(statusOf(state)).toBe(status);
});
