// SQL of what is there before the first order: customers with sessions and addresses, products with variants.
import {
  API_KEYS,
  apiKeyId,
  customerAt,
  customerId,
  idOf,
  SHOP_DAYS,
  skuOf,
  VARIANTS_PER_PRODUCT,
  type Size,
} from './size.ts';

/** Nobody logs in with it: it is no hash of anything. */
const NO_PASSWORD = 'generated, and no password fits';

/** Customers `from`..`to`: every second has a login, one login in five has ended; three in five keep an address. */
export const customers = (from: number, to: number, size: Size): string => `
INSERT INTO users.users (id, email, name, password_hash, role, status, created_at, updated_at, email_verified_at)
SELECT ${customerId('i', size)}, 'customer-' || i || '@${size.run}.example', 'Customer ' || i, '${NO_PASSWORD}',
  CASE WHEN i % 2000 = 1 THEN 'support' ELSE 'customer' END, CASE WHEN i % 500 = 7 THEN 'disabled' ELSE 'active' END, at, at, at
FROM (SELECT i, ${customerAt('i', size)} AS at FROM generate_series(${from}, ${to}) AS i) c;

INSERT INTO users.sessions (id, user_id, token_hash, created_at, rotated_at, expires_at, revoked_at, address)
SELECT ${idOf('session', 'at', 'i')}, ${customerId('i', size)}, sha256(convert_to('${size.run} ' || i, 'UTF8')), at, at,
  at + interval '30 days', CASE WHEN i % 20 = 0 THEN at + interval '1 hour' END, '192.0.2.1'
FROM (SELECT i, timestamptz '${size.now}' - random() * interval '37 days' AS at FROM generate_series(${from}, ${to}) AS i WHERE i % 2 = 0) c;

INSERT INTO users.addresses (id, user_id, name, line1, city, postal_code, country, created_at, updated_at)
SELECT ${idOf('address', 'at', 'i')}, ${customerId('i', size)}, 'Customer ' || i, i || ' Long Road', 'London', 'E1', 'GB', at, at
FROM (SELECT i, ${customerAt('i', size)} AS at FROM generate_series(${from}, ${to}) AS i WHERE i % 5 < 3) c;

INSERT INTO users.one_time_tokens (user_id, purpose, token_hash, expires_at)
SELECT ${customerId('i', size)}, CASE WHEN i % 100 < 25 THEN 'reset_password' ELSE 'verify_email' END,
  sha256(convert_to('${size.run} token ' || i, 'UTF8')), timestamptz '${size.now}' + (random() - 0.1) * interval '1 day'
FROM generate_series(${from}, ${to}) AS i WHERE i % 25 = 0;

INSERT INTO users.attempts (key, count, resets_at)
SELECT encode(sha256(convert_to('${size.run} attempt ' || i, 'UTF8')), 'hex'), 1 + i % 9, timestamptz '${size.now}' + (random() - 0.5) * interval '10 minutes'
FROM generate_series(${from}, ${to}) AS i WHERE i % 20 = 0;`;

/** Made by somebody of the staff; nobody has their secret. */
export const apiKeys = (size: Size): string => `
INSERT INTO users.api_keys (id, name, prefix, secret_hash, scopes, created_by)
SELECT ${apiKeyId('i', size)}, 'Scanner ' || i, 'wbk_' || i, sha256(convert_to('${size.run} key ' || i, 'UTF8')), '{orders:fulfil}', ${customerId('1', size)}
FROM generate_series(0, ${API_KEYS - 1}) AS i`;

/** Products `from`..`to`, one in ten archived, and the opening stock of their variants. */
export const products = (from: number, to: number, size: Size): string => {
  const at = (number: string) =>
    `(timestamptz '${size.now}' - interval '${SHOP_DAYS + 1} days' + (${number}) * (interval '1000 days' / ${size.products}))`;
  const variantNumber = `(i * ${VARIANTS_PER_PRODUCT} + v)`;
  return `
INSERT INTO catalog.products (id, title, description, status, created_at, updated_at)
SELECT ${idOf('product', 'at', 'i')}, 'Thing ' || i || ' of ' || (ARRAY['oak', 'steel', 'linen', 'glass'])[1 + i % 4],
  'Made for the house, series ' || i / 10, CASE WHEN i % 10 = 9 THEN 'archived' ELSE 'active' END, at, at
FROM (SELECT i, ${at('i')} AS at FROM generate_series(${from}, ${to}) AS i) p;

INSERT INTO catalog.variants (id, product_id, sku, title, amount, currency, tax_rate_bps)
SELECT ${idOf('variant', 'at', variantNumber)}, ${idOf('product', 'at', 'i')}, ${skuOf(variantNumber, size)},
  (ARRAY['small', 'middle', 'large'])[1 + v], ${priceOf(variantNumber)}, 'EUR', 1900
FROM (SELECT i, ${at('i')} AS at FROM generate_series(${from}, ${to}) AS i) p CROSS JOIN generate_series(0, ${VARIANTS_PER_PRODUCT - 1}) AS v;

INSERT INTO catalog.stock_movements (id, sku, kind, on_hand_delta, reserved_delta, on_hand, reserved, reason, created_at)
SELECT ${idOf('movement', at('n'), 'n')}, ${skuOf('n', size)}, 'adjustment', 100000000, 0, 100000000, 0, 'Opening stock', ${at('n')}
FROM generate_series(${from * VARIANTS_PER_PRODUCT}, ${(to + 1) * VARIANTS_PER_PRODUCT - 1}) AS n;`;
};

/** SQL: what one of this variant costs, 5.00 to 99.99. */
export const priceOf = (variantNumber: string): string => `(500 + ${variantNumber}::bigint * 97 % 9500)`;
