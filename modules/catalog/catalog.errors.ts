// Every way a request about products or stock can fail, in words: the pages under /docs/errors/.

export const catalogErrorPages: Record<string, string> = {
  product_not_found:
    'There is no product with this id, or it is not on sale. Drafts and archived products are seen by staff only.',
  sku_taken:
    'A SKU names one variant of one product. errors[] points at those that belong to another product; choose another SKU.',
  stock_below_reserved: 'The change would leave less on hand than orders have reserved. Nothing was changed.',
  stock_too_large: 'The change would put more on hand than can be counted here (2 000 000 000).',
};
