// The pure rules of products.
import { describe, expect, it } from 'vitest';
import { requireDistinctSkus, saleTitle } from '../product.ts';

it.each([
  ['Mug', null, 'Mug'],
  ['Mug', 'Blue', 'Mug – Blue'],
])('saleTitle of %s and %s', (productTitle, variantTitle, expected) =>
  expect(saleTitle(productTitle, variantTitle)).toBe(expected),
);

describe('requireDistinctSkus', () => {
  it.each([[[]], [['A']], [['A', 'a', 'B']]])('takes %j', (skus) =>
    expect(() => requireDistinctSkus(skus.map((sku) => ({ sku })))).not.toThrow(),
  );

  it('points at each repetition, but not at the first', () => {
    const faults = ['/variants/2/sku', '/variants/3/sku'].map((pointer) => ({
      pointer,
      code: 'duplicate_sku',
      message: 'Each SKU may stand once only.',
    }));
    const refusal = expect.objectContaining({ kind: 'malformed', code: 'duplicate_sku', faults }) as Error;
    expect(() => requireDistinctSkus(['A', 'B', 'A', 'A'].map((sku) => ({ sku })))).toThrow(refusal);
  });
});
