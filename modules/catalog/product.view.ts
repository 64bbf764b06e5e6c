// What a product looks like from outside, field by field; never its stock.
import { z } from 'zod';
import { id, money, timestamp, version } from '../../shared/http/schemas.ts';
import type { ProductRow } from './product.repository.ts';

export const productView = z
  .object({
    id,
    title: z.string(),
    description: z.string().nullable(),
    status: z.enum(['draft', 'active', 'archived']),
    variants: z.array(
      z.object({ id, sku: z.string(), title: z.string().nullable(), price: money, taxRateBps: z.int() }),
    ),
    createdAt: timestamp,
    updatedAt: timestamp,
    version,
  })
  .meta({ id: 'Product' });

export type ProductView = z.output<typeof productView>;

export const presentProduct = ({
  id: productId,
  title,
  description,
  status,
  variants,
  createdAt,
  updatedAt,
  version: productVersion,
}: ProductRow): ProductView => ({
  id: productId,
  title,
  description,
  status,
  variants: variants.map((variant) => ({
    id: variant.id,
    sku: variant.sku,
    title: variant.title,
    price: variant.price,
    taxRateBps: variant.taxRateBps,
  })),
  createdAt: createdAt.toISOString(),
  updatedAt: updatedAt.toISOString(),
  version: productVersion,
});
