// What a product is and what a change of it may say: pure.
import type { Money } from '../../shared/domain/money.ts';
import { malformed, type Fault } from '../../shared/errors/app-error.ts';

export type ProductStatus = 'draft' | 'active' | 'archived';
export type Variant = { sku: string; title: string | null; price: Money; taxRateBps: number };

/** What a customer reads on the order: the product, and which of its variants. */
export const saleTitle = (productTitle: string, variantTitle: string | null): string =>
  variantTitle === null ? productTitle : `${productTitle} – ${variantTitle}`;

/** @throws malformed `duplicate_sku` with a pointer per repeated line */
export function requireDistinctSkus(variants: { sku: string }[]): void {
  const faults = variants.flatMap(({ sku }, i) =>
    variants.findIndex((one) => one.sku === sku) < i
      ? [faultAt(i, 'duplicate_sku', 'Each SKU may stand once only.')]
      : [],
  );
  if (faults.length > 0) throw malformed('duplicate_sku', 'Each SKU may stand once only.', { faults });
}

export const faultAt = (i: number, code: string, message: string): Fault => ({
  pointer: `/variants/${i}/sku`,
  code,
  message,
});
