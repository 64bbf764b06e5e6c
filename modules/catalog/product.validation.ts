// What may come in for products; OpenAPI is derived from it.
import { z } from 'zod';
import type { Operation } from '../../shared/http/route.ts';
import { idParams, pageQuery, price, sku, text } from '../../shared/http/schemas.ts';
import { productView } from './product.view.ts';

const ON_HAND_MAX = 1_000_000_000;

const taxRateBps = z.int().min(0).max(10_000).meta({ description: 'Hundredths of a percent: 1900 is 19 %' });

/** No default in a patch: a price change must not take the tax away. */
const variant = z.strictObject({
  sku,
  title: text(200).nullable().optional(),
  price,
  taxRateBps: taxRateBps.optional(),
});
const newVariant = variant.extend({
  taxRateBps: taxRateBps.default(0),
  onHand: z.int().min(0).max(ON_HAND_MAX).default(0),
});
const title = text(200);
const description = text(5000).nullable();
const status = z.enum(['draft', 'active', 'archived']);

const createBody = z
  .strictObject({
    title,
    description: description.optional(),
    status: status.default('active'),
    variants: z.array(newVariant).min(1).max(100),
  })
  .meta({
    id: 'ProductRequest',
    examples: [
      {
        title: 'Mug',
        variants: [
          { sku: 'MUG-BLUE', title: 'blue', price: { amount: 1299, currency: 'EUR' }, taxRateBps: 1900, onHand: 100 },
        ],
      },
    ],
  });

const patchBody = z
  .strictObject({
    title: title.optional(),
    description: description.optional(),
    status: status.optional(),
    variants: z.array(variant).min(1).max(100).optional(),
  })
  .refine((patch) => Object.keys(patch).length > 0, {
    error: 'Say at least one thing to change.',
    params: { code: 'empty_patch' },
  })
  .meta({ id: 'ProductPatch', examples: [{ title: 'Large mug' }], minProperties: 1 });

export type CreateProduct = z.output<typeof createBody>;
export type PatchProduct = z.output<typeof patchBody>;

const listQuery = z.strictObject({
  ...pageQuery,
  q: text(200)
    .optional()
    .meta({
      description:
        'Whole words, in any case: all of them, `or` for one of two, `-word` for none, `"in a row"`. Looked for in title, description, variant titles and SKUs',
      examples: ['blue mug'],
    }),
});
export type ListProducts = z.output<typeof listQuery>;

export const listProducts = {
  operationId: 'listProducts',
  priority: 'low',
  summary: 'Products on sale, or those that a search finds, newest first; staff also see drafts and archived ones',
  query: listQuery,
  answers: { 200: [productView] },
} satisfies Operation;

export const getProduct = {
  operationId: 'getProduct',
  priority: 'low',
  summary: 'One product',
  params: idParams,
  answers: { 200: productView },
  problems: { 404: ['product_not_found'] },
} satisfies Operation;

export const createProduct = {
  operationId: 'createProduct',
  summary: 'Put a product on sale, with its variants and their first stock',
  body: createBody,
  answers: { 201: productView },
  problems: { 400: ['duplicate_sku'], 409: ['sku_taken'] },
} satisfies Operation;

export const patchProduct = {
  operationId: 'patchProduct',
  summary: 'Change a product; variants are added or changed by SKU, absent ones stay',
  params: idParams,
  body: patchBody,
  conditional: true,
  answers: { 200: productView },
  problems: { 400: ['duplicate_sku'], 404: ['product_not_found'], 409: ['sku_taken'] },
} satisfies Operation;

export const archiveProduct = {
  operationId: 'archiveProduct',
  summary: 'Take a product off sale; orders that name it keep their copy',
  params: idParams,
  conditional: true,
  answers: { 204: null },
  problems: { 404: ['product_not_found'] },
} satisfies Operation;
