// SQL of orders and of all that they leave behind: lines, history, parcels, payments, refunds, movements of stock, audit, facts, keys.
import { priceOf } from './people-and-products.ts';
import {
  API_KEYS,
  apiKeyId,
  customerId,
  headOf,
  idIn,
  RECENT_SHARE,
  SHOP_DAYS,
  skuOf,
  skusOf,
  type Size,
} from './size.ts';

/**
 * Orders `from`..`to`, with temporary tables of what belongs together: `o` the orders, `l` their lines.
 * Skew: one customer has one order in a hundred, half of the orders are of a quarter of the customers; the best-selling SKU is in 1 % of the orders.
 */
export const orders = (from: number, to: number, size: Size): string => `
SELECT setseed(${from} / ${size.orders + 1}.0);

CREATE TEMP TABLE o ON COMMIT DROP AS
SELECT i, ${idIn('order', 'head', 'i')} AS id, head, ${customerId('c', size)} AS customer_id, placed_at, fate, age, lines, first_sku, status,
  status IN ('confirmed', 'fulfilled', 'completed') OR status = 'cancelled' AND fate < 0.03 AS is_paid,
  status IN ('fulfilled', 'completed') AS is_sent
FROM (
  SELECT *, CASE WHEN age < interval '30 minutes' OR fate > 0.9999 THEN 'pending_payment'
      WHEN fate < 0.07 THEN 'cancelled' WHEN fate < 0.12 THEN 'expired' WHEN age < interval '2 days' OR fate > 0.998 THEN 'confirmed'
      WHEN age < interval '6 days' THEN 'fulfilled' ELSE 'completed' END AS status
  FROM (
    SELECT *, ${headOf('placed_at')} AS head, timestamptz '${size.now}' - placed_at AS age, CASE WHEN who < 0.01 THEN 0 ELSE floor(${size.customers} * who ^ 2)::bigint END AS c,
      1 + (many < 0.4)::int + (many < 0.15)::int + 3 * (many < 0.05)::int AS lines,
      floor(${skusOf(size)} * what ^ 2)::bigint AS first_sku
    FROM (
      SELECT i, date_trunc('milliseconds', timestamptz '${size.now}' - (1 - sqrt(i::float8 / ${size.orders})) * interval '${SHOP_DAYS} days') AS placed_at,
        random() AS fate, random() AS who, random() AS many, random() AS what
      FROM generate_series(${from}, ${to}) AS i
    ) drawn
  ) aged
) told;

CREATE TEMP TABLE l ON COMMIT DROP AS
SELECT *, amount - tax AS net FROM (
  SELECT *, quantity * unit + tax AS amount FROM (
    SELECT *, round(quantity * unit * 0.19)::bigint AS tax FROM (
      SELECT o.i, o.id AS order_id, o.head, o.placed_at, o.status, o.is_sent, p, ${idIn('line', 'o.head', 'o.i * 8 + p')} AS id,
        ${skuOf('n', size)} AS sku, ${priceOf('n')} AS unit, 1 + (o.i + p) % 3 AS quantity
      FROM o CROSS JOIN LATERAL generate_series(1, o.lines) AS p CROSS JOIN LATERAL (SELECT (o.first_sku + (p - 1) * 37) % ${skusOf(size)} AS n) chosen
    ) bought
  ) taxed
) summed;

CREATE TEMP TABLE sums ON COMMIT DROP AS SELECT i, sum(net) AS net, sum(tax) AS tax, sum(amount) AS amount FROM l GROUP BY i;

INSERT INTO orders.orders (id, number, customer_id, status, payment_status, fulfillment_status, currency, subtotal_amount, tax_amount, total_amount,
  shipping_address, note, placed_at, expires_at, version)
SELECT o.id, ${size.first.order} + o.i, o.customer_id, o.status,
  CASE WHEN o.status = 'cancelled' AND o.is_paid THEN 'refunded' WHEN NOT o.is_paid THEN 'unpaid' WHEN ${isRefunded} THEN 'partially_refunded' ELSE 'paid' END,
  CASE o.status WHEN 'completed' THEN 'delivered' WHEN 'fulfilled' THEN 'fulfilled' ELSE 'unfulfilled' END, 'EUR', sums.net, sums.tax, sums.net + sums.tax,
  CASE WHEN o.i % 3 > 0 THEN '{"name":"Ada Lovelace","line1":"12 St James’s Square","city":"London","postalCode":"SW1Y 4JH","country":"GB"}'::jsonb END,
  CASE WHEN o.i % 10 = 0 THEN 'Please ring twice.' END, o.placed_at, CASE WHEN o.status = 'pending_payment' THEN o.placed_at + interval '30 minutes' END,
  CASE o.status WHEN 'pending_payment' THEN 1 WHEN 'confirmed' THEN 2 WHEN 'fulfilled' THEN 3 WHEN 'completed' THEN 4 ELSE 2 END
FROM o JOIN sums USING (i) ORDER BY o.i;

INSERT INTO orders.lines (id, order_id, position, sku, title, quantity, unit_amount, tax_rate_bps, tax_amount, total_amount, fulfilled_quantity)
SELECT id, order_id, p, sku, 'Thing of oak, large', quantity, unit, 1900, tax, amount, CASE WHEN is_sent THEN quantity ELSE 0 END FROM l;

INSERT INTO orders.fulfillments (id, order_id, status, carrier, tracking_number, shipped_at, delivered_at)
SELECT ${parcelId}, id, CASE status WHEN 'completed' THEN 'delivered' ELSE 'shipped' END, 'DHL', 'JD0146000' || i,
  placed_at + interval '1 day', CASE status WHEN 'completed' THEN placed_at + interval '3 days' END
FROM o WHERE is_sent;

INSERT INTO orders.fulfillment_lines (fulfillment_id, line_id, quantity)
SELECT ${parcelId}, id, quantity FROM l WHERE is_sent;

INSERT INTO orders.transitions (seq, order_id, action, from_status, to_status, actor_kind, actor_id, happened_at, event_id, payment_id, amount, currency, request_id)
OVERRIDING SYSTEM VALUE SELECT ${size.first.transition} + o.i * 8 + step.nth, o.id, step.action, step.before, step.after, CASE WHEN step.is_staff THEN 'api_key' WHEN step.nth = 0 THEN 'user' END,
  CASE WHEN step.is_staff THEN ${scannerId(size)} WHEN step.nth = 0 THEN o.customer_id END, o.placed_at + step.later,
  CASE WHEN step.is_money THEN ${idIn('transition', 'o.head', 'o.i')} END,
  CASE WHEN step.is_money THEN ${paymentId} END, CASE WHEN step.is_money THEN 1000 END,
  CASE WHEN step.is_money THEN 'EUR' END, 'request-' || o.i
FROM o CROSS JOIN (VALUES
  (0, 'place', NULL, 'pending_payment', interval '0', false, false, NULL, NULL),
  (1, 'confirm', 'pending_payment', 'confirmed', interval '1 minute', false, false, true, NULL),
  (2, 'payment.captured', 'confirmed', 'confirmed', interval '1 minute', false, true, true, NULL),
  (3, 'fulfil', 'confirmed', 'fulfilled', interval '1 day', true, false, true, 'sent'),
  (4, 'complete', 'fulfilled', 'completed', interval '3 days', true, false, true, 'completed'),
  (5, 'cancel', 'confirmed', 'cancelled', interval '2 hours', false, false, true, 'cancelled'),
  (5, 'cancel', 'pending_payment', 'cancelled', interval '2 hours', false, false, false, 'cancelled'),
  (6, 'expire', 'pending_payment', 'expired', interval '30 minutes', false, false, false, 'expired')
) AS step(nth, action, before, after, later, is_staff, is_money, paid, state)
WHERE (step.paid IS NULL OR step.paid = o.is_paid) AND (step.state IS NULL OR step.state = o.status OR step.state = 'sent' AND o.is_sent);

INSERT INTO payments.payments (id, order_id, customer_id, provider, status, amount_minor, currency, captures, authorized_minor, captured_minor,
  refunded_minor, check_at, created_at, updated_at)
SELECT ${paymentId}, o.id, o.customer_id, 'test', CASE WHEN o.status = 'pending_payment' THEN 'declined' WHEN o.status = 'cancelled' THEN 'refunded' ELSE 'captured' END,
  sums.amount, 'EUR', true, sums.amount, CASE WHEN o.is_paid THEN sums.amount ELSE 0 END,
  CASE WHEN o.status = 'cancelled' THEN sums.amount WHEN ${isRefunded} THEN 100 ELSE 0 END, NULL, o.placed_at + interval '1 minute', o.placed_at + interval '1 minute'
FROM o JOIN sums USING (i)
WHERE o.is_paid OR o.status = 'pending_payment' AND o.i % 2 = 0;

INSERT INTO payments.refunds (id, payment_id, order_id, amount_minor, currency, reason, status, created_at, settled_at, check_at)
SELECT ${refundId}, ${paymentId}, o.id, CASE o.status WHEN 'cancelled' THEN sums.amount ELSE 100 END, 'EUR', 'Arrived broken', 'succeeded', placed_at + interval '4 days', placed_at + interval '4 days', placed_at + interval '4 days'
FROM o JOIN sums USING (i) WHERE o.is_paid AND (o.status = 'cancelled' OR ${isRefunded});

INSERT INTO payments.refund_lines (refund_id, line_id, sku, quantity, amount_minor)
SELECT ${refundId}, l.id, l.sku, 1, 100 FROM o JOIN l USING (i) WHERE ${isRefunded} AND l.p = 1;

INSERT INTO payments.provider_events (provider, event_id, received_at)
SELECT 'test', 'evt_${size.run}_' || i, placed_at + interval '1 minute' FROM o WHERE is_paid AND age < interval '91 days';

INSERT INTO catalog.stock_movements (seq, id, sku, kind, on_hand_delta, reserved_delta, on_hand, reserved, order_id, created_at)
OVERRIDING SYSTEM VALUE SELECT ${size.first.movement} + ${movementNumber}, ${idIn('movement', 'l.head', movementNumber)}, l.sku, step.kind, step.on_hand * l.quantity, step.reserved * l.quantity,
  90000000, 1000, l.order_id, l.placed_at + step.later
FROM l CROSS JOIN (VALUES
  (0, 'reservation', 0, 1, interval '0', NULL),
  (1, 'shipment', -1, -1, interval '1 day', 'sent'),
  (1, 'release', 0, -1, interval '30 minutes', 'cancelled'),
  (1, 'release', 0, -1, interval '30 minutes', 'expired')
) AS step(nth, kind, on_hand, reserved, later, state)
WHERE step.state IS NULL OR step.state = l.status OR step.state = 'sent' AND l.is_sent;

INSERT INTO audit.entries (id, happened_at, actor_type, actor_id, role, action, subject_type, subject_id, after, address, request_id)
SELECT ${idIn('entry', 'head', 'i')}, o.placed_at + interval '1 day', 'api_key', ${scannerId(size)}, 'api_key',
  'fulfillment.created', 'fulfillment', ${parcelId}, jsonb_build_object('orderId', o.id, 'carrier', 'DHL', 'status', 'shipped'), '192.0.2.1', 'request-' || o.i
FROM o WHERE o.is_sent;

CREATE TEMP TABLE facts ON COMMIT DROP AS
SELECT o.id AS order_id, o.customer_id, fact.type, ${idIn('fact', 'o.head', 'o.i * 4 + fact.nth')} AS id, occurred_at, fact.hearer
FROM o CROSS JOIN LATERAL (VALUES
  (0, 'order.placed', NULL, true), (1, 'order.confirmed', NULL, o.is_paid), (2, 'payment.captured', 'orders', o.is_paid), (3, 'order.fulfilled', 'payments', o.is_sent)
) AS fact(nth, type, hearer, happened)
CROSS JOIN LATERAL (SELECT ${recently('8 days', 'o.i', size)} AS occurred_at) moment
WHERE fact.happened AND o.i > ${Math.floor(size.orders * (1 - RECENT_SHARE))};

INSERT INTO events.outbox (id, type, aggregate_id, payload, request_id, occurred_at)
SELECT id, type, order_id, jsonb_build_object('orderId', order_id, 'customerId', customer_id), 'request', occurred_at FROM facts;

INSERT INTO events.deliveries (event_id, subscriber, seq, aggregate_id, status, attempts, next_at, delivered_at)
SELECT facts.id, facts.hearer, 0, facts.order_id, 'delivered', 1, facts.occurred_at, facts.occurred_at FROM facts WHERE facts.hearer IS NOT NULL;

INSERT INTO idempotency.keys (scope, key, fingerprint, outcome, created_at, expires_at)
SELECT o.customer_id || ' POST /api/v1/orders' || CASE asked WHEN 'pay' THEN '/' || o.id || '/payments' ELSE '' END, 'key-${size.run}-' || o.i,
  encode(sha256(convert_to(o.i::text, 'UTF8')), 'hex'),
  json_build_object('result', json_build_object('id', o.id, 'customerId', o.customer_id, 'status', o.status, 'note', repeat('as long as an order is. ', 20))),
  ${recently('24 hours 30 minutes', 'o.i', size)}, ${recently('24 hours 30 minutes', 'o.i', size)} + interval '24 hours'
FROM o CROSS JOIN (VALUES ('place'), ('pay')) AS request(asked) WHERE o.i > ${Math.floor(size.orders * (1 - RECENT_SHARE))};`;

/** The level of each new SKU: what its ledger adds up to. */
export const levels = ({ run }: Size): string => `
INSERT INTO catalog.stock (sku, on_hand, reserved)
SELECT sku, sum(on_hand_delta), sum(reserved_delta) FROM catalog.stock_movements WHERE sku LIKE 'GEN-${run}-%' GROUP BY sku`;

const paymentId = idIn('payment', 'o.head', 'o.i');
const movementNumber = 'l.i * 16 + l.p * 2 + step.nth';
const refundId = idIn('refund', 'o.head', 'o.i');
const parcelId = idIn('fulfillment', 'head', 'i');
const isRefunded = '(o.is_sent AND o.fate > 0.96)';
/** One of the keys with which the warehouse scans. */
const scannerId = (size: Size): string => apiKeyId(`o.i % ${API_KEYS}`, size);
/** SQL: when the recent order was at work, of the last orders evenly over this time. */
const recently = (time: string, i: string, { now, orders: all }: Size): string =>
  `(timestamptz '${now}' - (${all} - ${i}) / (${all} * ${RECENT_SHARE})::float8 * interval '${time}')`;
