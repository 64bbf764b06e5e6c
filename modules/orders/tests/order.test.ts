// The pure rules of orders: what a cart costs, and what an order may become.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  isAllowed,
  moveTo,
  quote,
  statusForbidden,
  type Action,
  type FulfillmentStatus,
  type OrderState,
  type OrderStatus,
  type Variant,
} from '../order.ts';

const variant = (sku: string, amount: number, more: Partial<Variant> = {}): Variant => ({
  sku,
  title: sku,
  price: { amount, currency: 'EUR' },
  taxRateBps: 0,
  status: 'active',
  ...more,
});

describe('a quote', () => {
  // quantity, unit, rate in bps → tax, line total: half up, rounded once a line
  const table: [number, number, number, number, number][] = [
    [1, 1000, 1900, 190, 1190],
    [3, 333, 1900, 190, 1189],
    [1, 50, 100, 1, 51],
    [1, 49, 100, 0, 49],
    [1, 150, 100, 2, 152],
    [1, 0, 10_000, 0, 0],
    [10_000, 10_000_000_000, 10_000, 100_000_000_000_000, 200_000_000_000_000],
    [7, 9_999_999_999, 1, 7_000_000, 70_006_999_993],
  ];
  test.each(table)('%i × %i at %i bps: tax %i, total %i', (quantity, amount, taxRateBps, taxAmount, totalAmount) => {
    const result = quote([{ sku: 'A', quantity }], [variant('A', amount, { taxRateBps })]);
    expect(result.lines[0]).toMatchObject({ taxAmount, totalAmount });
    expect(result).toMatchObject({ currency: 'EUR', taxAmount, totalAmount, subtotalAmount: totalAmount - taxAmount });
  });

  test('an empty cart costs nothing', () =>
    expect(quote([], [])).toEqual({ currency: '', lines: [], subtotalAmount: 0, taxAmount: 0, totalAmount: 0 }));

  test('1,000 random carts: the lines sum to the totals, and each tax is exact, half up', () => {
    const line = fc.record({
      quantity: fc.integer({ min: 1, max: 10_000 }),
      amount: fc.integer({ min: 0, max: 10_000_000 }),
      taxRateBps: fc.integer({ min: 0, max: 10_000 }),
    });
    fc.assert(
      fc.property(fc.array(line, { minLength: 1, maxLength: 50 }), (cart) => {
        const variants = cart.map(({ amount, taxRateBps }, i) => variant(`S${i}`, amount, { taxRateBps }));
        const result = quote(
          cart.map(({ quantity }, i) => ({ sku: `S${i}`, quantity })),
          variants,
        );
        const sum = (numbers: number[]) => numbers.reduce((one, other) => one + other, 0);
        expect(result.totalAmount).toBe(sum(result.lines.map(({ totalAmount }) => totalAmount)));
        expect(result.taxAmount).toBe(sum(result.lines.map(({ taxAmount }) => taxAmount)));
        expect(result.subtotalAmount + result.taxAmount).toBe(result.totalAmount);
        for (const [i, { quantity, amount, taxRateBps }] of cart.entries()) {
          const exact = BigInt(quantity) * BigInt(amount) * BigInt(taxRateBps);
          // Half up: 10 000 × tax is within (exact − 5000, exact + 5000].
          const error = 10_000n * BigInt(result.lines[i]?.taxAmount ?? -1) - exact;
          expect(error > -5000n && error <= 5000n).toBe(true);
        }
      }),
      { numRuns: 1000 },
    );
  });

  const refused: [string, Parameters<typeof quote>, { code: string; pointers?: string[] }][] = [
    [
      'a SKU twice',
      [
        [
          { sku: 'A', quantity: 1 },
          { sku: 'B', quantity: 1 },
          { sku: 'A', quantity: 2 },
        ],
        [variant('A', 1), variant('B', 1)],
      ],
      { code: 'duplicate_sku', pointers: ['/lines/2/sku'] },
    ],
    [
      'an unknown SKU',
      [
        [
          { sku: 'A', quantity: 1 },
          { sku: 'B', quantity: 1 },
        ],
        [variant('A', 1)],
      ],
      { code: 'unknown_sku', pointers: ['/lines/1/sku'] },
    ],
    ['nothing known', [[{ sku: 'A', quantity: 1 }], []], { code: 'unknown_sku', pointers: ['/lines/0/sku'] }],
    [
      'a draft',
      [[{ sku: 'A', quantity: 1 }], [variant('A', 1, { status: 'draft' })]],
      { code: 'product_unavailable', pointers: ['/lines/0/sku'] },
    ],
    [
      'two currencies',
      [
        [
          { sku: 'A', quantity: 1 },
          { sku: 'B', quantity: 1 },
        ],
        [variant('A', 1), variant('B', 1, { price: { amount: 1, currency: 'JPY' } })],
      ],
      { code: 'mixed_currencies', pointers: ['/lines/1/sku'] },
    ],
  ];
  test.each(refused)('refuses %s', (_name, args, { code, pointers }) => {
    expect(() => quote(...args)).toThrow(
      expect.objectContaining({ code, faults: pointers?.map((pointer) => expect.objectContaining({ pointer, code })) }),
    );
  });

  test('refuses a total beyond 2^53, rather than rounding it', () => {
    const lines = Array.from({ length: 50 }, (_, i) => ({ sku: `S${i}`, quantity: 10_000 }));
    const variants = lines.map(({ sku }) => variant(sku, 10_000_000_000, { taxRateBps: 10_000 }));
    expect(() => quote(lines, variants)).toThrow(expect.objectContaining({ code: 'total_too_large' }));
  });
});

describe('the state table', () => {
  const statuses: OrderStatus[] = ['pending_payment', 'confirmed', 'fulfilled', 'completed', 'cancelled', 'expired'];
  const legal: Record<Action, Partial<Record<OrderStatus, OrderStatus>>> = {
    confirm: { pending_payment: 'confirmed' },
    expire: { pending_payment: 'expired' },
    cancel: { pending_payment: 'cancelled', confirmed: 'cancelled' },
    fulfil_part: { confirmed: 'confirmed' },
    fulfil: { confirmed: 'fulfilled' },
    complete: { fulfilled: 'completed' },
  };
  const becomes: Partial<Record<Action, FulfillmentStatus>> = {
    fulfil_part: 'partially_fulfilled',
    fulfil: 'fulfilled',
    complete: 'delivered',
  };
  const rows = (Object.keys(legal) as Action[]).flatMap((action) =>
    statuses.map((from) => [action, from, legal[action][from] ?? null] as const),
  );
  const order = (status: OrderStatus, more: Partial<OrderState> = {}): OrderState => ({
    status,
    paymentStatus: 'processing',
    fulfillmentStatus: 'unfulfilled',
    ...more,
  });
  const paid = (status: OrderStatus) => order(status, { paymentStatus: 'partially_refunded' });

  test.each(rows)('%s from %s → %s', (action, from, to) => {
    const [before, after] = action.startsWith('fulfil') ? [paid(from), paid] : [order(from), order];
    expect(isAllowed(action, before)).toBe(to !== null);
    const fulfillmentStatus = becomes[action] ?? 'unfulfilled';
    if (to !== null) expect(moveTo(action, before)).toEqual({ ...after(to), fulfillmentStatus });
    else
      expect(() => moveTo(action, before)).toThrow(
        expect.objectContaining({ code: 'order_status_forbidden', facts: { allowed: Object.keys(legal[action]) } }),
      );
  });

  test.each(['partially_fulfilled', 'fulfilled', 'delivered'] as const)(
    'nothing is cancelled once a part of it was sent (%s)',
    (fulfillmentStatus) => {
      expect(() => moveTo('cancel', order('confirmed', { fulfillmentStatus }))).toThrow(
        expect.objectContaining({ code: 'order_status_forbidden' }),
      );
    },
  );

  test.each([
    ['unpaid', 'unpaid'],
    ['processing', 'processing'],
    ['authorized', 'void_pending'],
    ['paid', 'refund_pending'],
    ['partially_refunded', 'refund_pending'],
    ['refunded', 'refunded'],
  ] as const)('cancelling what is %s leaves it %s', (paymentStatus, after) => {
    expect(moveTo('cancel', order('confirmed', { paymentStatus })).paymentStatus).toBe(after);
  });

  test.each([
    ['authorized', true],
    ['paid', true],
    ['partially_refunded', true],
    ['unpaid', false],
    ['processing', false],
    ['void_pending', false],
    ['voided', false],
    ['refund_pending', false],
    ['refunded', false],
  ] as const)('what is %s is sent: %s', (paymentStatus, isSent) => {
    for (const action of ['fulfil', 'fulfil_part'] as const) {
      const fulfil = () => moveTo(action, order('confirmed', { paymentStatus }));
      if (isSent) expect(fulfil()).toMatchObject({ paymentStatus });
      else
        expect(fulfil).toThrow(
          expect.objectContaining({
            code: 'order_not_paid',
            facts: { allowed: ['authorized', 'paid', 'partially_refunded'] },
          }),
        );
    }
  });

  test('expiring leaves the payment to payments, and what arrives may have been given back', () => {
    expect(moveTo('expire', order('pending_payment')).paymentStatus).toBe('processing');
    expect(moveTo('complete', order('fulfilled', { paymentStatus: 'refunded' })).status).toBe('completed');
  });

  test('the refusal names what would be allowed', () => {
    expect(statusForbidden('expired', ['pending_payment'])).toMatchObject({
      kind: 'conflict',
      facts: { allowed: ['pending_payment'] },
    });
  });
});
