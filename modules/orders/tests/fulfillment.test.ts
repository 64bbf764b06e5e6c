// The rules of what may be sent: parts, all that is left, and when an order is complete.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isComplete, partsToSend, requireUnderWay, stepOf, type OrderedLine } from '../fulfillment.ts';

const mugs: OrderedLine = { id: 'a', sku: 'MUG', quantity: 3, fulfilledQuantity: 1 };
const hats: OrderedLine = { id: 'b', sku: 'HAT', quantity: 2, fulfilledQuantity: 2 };
const pens: OrderedLine = { id: 'c', sku: 'PEN', quantity: 5, fulfilledQuantity: 0 };
const lines = [mugs, hats, pens];

describe('what is sent', () => {
  test('is all that is left, unless it is said', () => {
    expect(partsToSend(lines, undefined)).toEqual([
      { lineId: 'a', sku: 'MUG', quantity: 2 },
      { lineId: 'c', sku: 'PEN', quantity: 5 },
    ]);
  });

  test('or what is named', () => {
    expect(partsToSend(lines, [{ lineId: 'c', quantity: 5 }])).toEqual([{ lineId: 'c', sku: 'PEN', quantity: 5 }]);
  });

  const refused: [string, { lineId: string; quantity: number }[], object][] = [
    [
      'one more than is left',
      [
        { lineId: 'c', quantity: 1 },
        { lineId: 'a', quantity: 3 },
      ],
      {
        kind: 'unprocessable',
        code: 'fulfillment_exceeds_ordered',
        faults: [
          expect.objectContaining({ pointer: '/lines/1/quantity', code: 'fulfillment_exceeds_ordered', left: 2 }),
        ],
      },
    ],
    [
      'a line of which nothing is left',
      [{ lineId: 'b', quantity: 1 }],
      {
        code: 'fulfillment_exceeds_ordered',
        faults: [expect.objectContaining({ pointer: '/lines/0/quantity', left: 0 })],
      },
    ],
    [
      'an unknown line',
      [{ lineId: 'x', quantity: 1 }],
      {
        kind: 'unprocessable',
        code: 'unknown_line',
        faults: [expect.objectContaining({ pointer: '/lines/0/lineId', code: 'unknown_line' })],
      },
    ],
    [
      'a line named twice, also when both together were possible',
      [
        { lineId: 'c', quantity: 1 },
        { lineId: 'c', quantity: 1 },
      ],
      {
        kind: 'malformed',
        code: 'duplicate_line',
        faults: [expect.objectContaining({ pointer: '/lines/1/lineId', code: 'duplicate_line' })],
      },
    ],
  ];
  test.each(refused)('is refused: %s', (_name, requested, refusal) => {
    expect(() => partsToSend(lines, requested)).toThrow(expect.objectContaining(refusal));
  });
});

describe('the step of the order', () => {
  test('is the last when nothing is left after it', () => {
    expect(stepOf(lines, partsToSend(lines, undefined))).toBe('fulfil');
    expect(stepOf(lines, partsToSend(lines, [{ lineId: 'a', quantity: 2 }]))).toBe('fulfil_part');
    expect(
      stepOf(
        lines,
        partsToSend(lines, [
          { lineId: 'c', quantity: 5 },
          { lineId: 'a', quantity: 2 },
        ]),
      ),
    ).toBe('fulfil');
  });

  test('comes last however the parts are cut, and never more is sent than was ordered', () => {
    const ordered = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(ordered, fc.infiniteStream(fc.nat()), (quantities, wishes) => {
        let open = quantities.map((quantity, i) => ({ id: `${i}`, sku: `S${i}`, quantity, fulfilledQuantity: 0 }));
        let step = '';
        while (open.some(({ quantity, fulfilledQuantity }) => fulfilledQuantity < quantity)) {
          expect(step).not.toBe('fulfil');
          const [first] = partsToSend(open, undefined);
          const quantity = 1 + ((wishes.next().value as number) % (first?.quantity ?? 1));
          const parts = partsToSend(open, [{ lineId: first?.lineId ?? '', quantity }]);
          step = stepOf(open, parts);
          open = open.map((line) =>
            line.id === first?.lineId ? { ...line, fulfilledQuantity: line.fulfilledQuantity + quantity } : line,
          );
        }
        expect(step).toBe('fulfil');
      }),
    );
  });
});

test('an order is complete when all was sent and nothing is under way', () => {
  expect(isComplete({ status: 'fulfilled' }, 0)).toBe(true);
  expect(isComplete({ status: 'fulfilled' }, 1)).toBe(false);
  expect(isComplete({ status: 'confirmed' }, 0)).toBe(false);
});

test('what was delivered is not delivered again', () => {
  expect(() => requireUnderWay({ status: 'shipped' })).not.toThrow();
  expect(() => requireUnderWay({ status: 'delivered' })).toThrow(
    expect.objectContaining({
      kind: 'conflict',
      code: 'fulfillment_status_forbidden',
      facts: { allowed: ['shipped'] },
    }),
  );
});
