-- The timeline: the order's history also tells what was heard of its payments, each event once.
ALTER TABLE orders.transitions
  ADD COLUMN event_id uuid UNIQUE,
  ADD COLUMN payment_id uuid,
  ADD COLUMN amount bigint,
  ADD COLUMN currency text;

-- Lists go by the time of placing, so that a filter by time is a range of the same index.
CREATE INDEX orders_customer_placed ON orders.orders (customer_id, placed_at, id);
CREATE INDEX orders_status_placed ON orders.orders (status, placed_at, id);
CREATE INDEX orders_placed ON orders.orders (placed_at, id);
DROP INDEX orders.orders_customer;
DROP INDEX orders.orders_status;

-- As in 0002_place.sql, and with it: which kind of actor placed, and the entry of the audit trail.
CREATE OR REPLACE FUNCTION orders.place(p jsonb, p_view text) RETURNS json
LANGUAGE plpgsql AS $$
DECLARE
  claim record;
  reservation jsonb;
  placed record;
  view text;
  order_id uuid := (p->'order'->>'id')::uuid;
BEGIN
  SELECT c.state, c.outcome INTO claim
  FROM idempotency.claim(p->'key'->>'scope', p->'key'->>'key', p->'key'->>'fingerprint') c;
  IF claim.state <> 'new' THEN
    RETURN json_build_object('outcome', claim.state, 'stored', claim.outcome);
  END IF;

  reservation := catalog.reserve(order_id, p->'lines');
  IF reservation->>'outcome' <> 'reserved' THEN
    RETURN reservation::json;
  END IF;

  -- The database's clock decides when the reservation ends, so it also says when it began.
  INSERT INTO orders.orders (id, customer_id, status, payment_status, fulfillment_status, currency,
    subtotal_amount, tax_amount, total_amount, shipping_address, note, placed_at, expires_at)
  SELECT o.id, o."customerId", o.status, o."paymentStatus", o."fulfillmentStatus", o.currency,
    o.subtotal, o.tax, o.total, nullif(o."shippingAddress", 'null'), o.note,
    date_trunc('milliseconds', now()), date_trunc('milliseconds', now()) + (p->>'reservationTtlMs')::bigint * interval '1 ms'
  FROM jsonb_to_record(p->'order') AS o(id uuid, "customerId" uuid, status text, "paymentStatus" text, "fulfillmentStatus" text,
    currency text, subtotal bigint, tax bigint, total bigint, "shippingAddress" jsonb, note text)
  RETURNING number, placed_at, expires_at INTO placed;

  INSERT INTO orders.lines (id, order_id, position, sku, title, quantity, unit_amount, tax_rate_bps, tax_amount, total_amount)
  SELECT l.id, order_id, l.position, l.sku, l.title, l.quantity, l.amount, l."taxRateBps", l.tax, l.total
  FROM jsonb_to_recordset(p->'lines') AS l(id uuid, position int, sku text, title text, quantity int, amount bigint,
    "taxRateBps" int, tax bigint, total bigint);

  INSERT INTO orders.transitions (order_id, action, to_status, actor_kind, actor_id, request_id)
  VALUES (order_id, 'place', p->'order'->>'status', p->>'actorKind', (p->>'actorId')::uuid, p->>'requestId');
  -- Absent: a customer's own doing, or a version that did not know the audit trail.
  IF jsonb_typeof(p->'audit') = 'object' THEN
    PERFORM audit.record(p->'audit');
  END IF;

  view := left(p_view, -1) || ',' || substr(json_build_object(
    'number', 'W-' || placed.number,
    'placedAt', to_char(placed.placed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
    'expiresAt', to_char(placed.expires_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))::text, 2);
  PERFORM idempotency.remember(p->'key'->>'scope', p->'key'->>'key', p->'key'->>'fingerprint',
    json_build_object('result', view::json), (p->'key'->>'ttlMs')::bigint);
  PERFORM events.record((p->>'factId')::uuid, 'order.placed', order_id,
    jsonb_build_object('orderId', order_id, 'customerId', p->'order'->'customerId', 'number', 'W-' || placed.number,
      'total', jsonb_build_object('amount', p->'order'->'total', 'currency', p->'order'->'currency')),
    p->>'requestId');
  RETURN json_build_object('outcome', 'placed', 'view', view::json);
END $$;
