-- Places orders that arrived together: in one statement, so in one round trip and one commit. As orders.place (0004), which stays for
-- processes of the version before while they are replaced: each order is all or nothing, and has a fate of its own.
--
-- p_orders, in the order of arrival: [{"position" from 1, "id", "customerId", …, "scope", "key", "fingerprint", "factId", "audit"}]; p_lines: the lines of
-- all, each with its "orderId"; p_views: the answers, by position, but for what only the database knows. See order.placement.ts.
--
-- Fates, by position: {"outcome": "placed", "number", "placedAt", "expiresAt"}; {"outcome": "customer_gone"}; {"outcome": "changed"};
-- {"outcome": "short", "lines"}; {"outcome": "replay" | "reused" | "in_progress" | "resume", "stored"}. Only 'placed' has an effect.
--
-- An error is an error of all: the caller tries each alone.
CREATE FUNCTION orders.place_all(p_orders jsonb, p_lines jsonb, p_views text[], p_reservation_ttl_ms bigint, p_key_ttl_ms bigint) RETURNS json[]
LANGUAGE plpgsql AS $$
DECLARE
  ids uuid[];
  customers uuid[];
  active uuid[];
  fates json[];
  outcomes json[];
  open uuid[];
  one record;
  -- The database's clock decides when the reservation ends, so it also says when it began.
  moment timestamptz := date_trunc('milliseconds', now());
  reservation_end timestamptz := moment + p_reservation_ttl_ms * interval '1 ms';
  times text := format('"placedAt":"%s","expiresAt":"%s"}',
    to_char(moment AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
    to_char(reservation_end AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'));
  placed_ids uuid[];
  numbers bigint[];
  at int;
  known_now text;
BEGIN
  SELECT array_agg(o.id ORDER BY o.position), array_agg(o."customerId" ORDER BY o.position) INTO ids, customers
  FROM jsonb_to_recordset(p_orders) AS o(position int, id uuid, "customerId" uuid);
  fates := array_fill(NULL::json, ARRAY[cardinality(ids)]);
  outcomes := fates;

  -- Held first, so that an account cannot be deleted between our look at it and our commit.
  active := users.hold_all_active(customers);
  FOR i IN 1 .. cardinality(ids) LOOP
    IF customers[i] <> ALL (active) THEN
      fates[i] := '{"outcome":"customer_gone"}';
    END IF;
  END LOOP;

  FOR one IN SELECT c.at_position, c.state, c.found_outcome FROM idempotency.claim_all(p_orders) AS c LOOP
    fates[one.at_position] := coalesce(fates[one.at_position], json_build_object('outcome', one.state, 'stored', one.found_outcome));
  END LOOP;

  open := ARRAY(SELECT o.id FROM unnest(ids, fates) WITH ORDINALITY AS o(id, fate, position) WHERE o.fate IS NULL ORDER BY o.position);
  FOR one IN SELECT r.refused_id, r.refusal FROM catalog.reserve_all(open, p_lines) AS r LOOP
    fates[array_position(ids, one.refused_id)] := one.refusal;
    open := array_remove(open, one.refused_id);
  END LOOP;
  IF cardinality(open) = 0 THEN
    RETURN fates;
  END IF;

  WITH placed AS (
    INSERT INTO orders.orders (id, customer_id, status, payment_status, fulfillment_status, currency,
      subtotal_amount, tax_amount, total_amount, shipping_address, note, placed_at, expires_at)
    SELECT o.id, o."customerId", o.status, o."paymentStatus", o."fulfillmentStatus", o.currency,
      o.subtotal, o.tax, o.total, nullif(o."shippingAddress", 'null'), o.note, moment, reservation_end
    FROM jsonb_to_recordset(p_orders) AS o(position int, id uuid, "customerId" uuid, status text, "paymentStatus" text,
      "fulfillmentStatus" text, currency text, subtotal bigint, tax bigint, total bigint, "shippingAddress" jsonb, note text)
    WHERE o.id = ANY (open)
    ORDER BY o.position
    RETURNING id, number
  )
  SELECT array_agg(p.id), array_agg(p.number) INTO placed_ids, numbers FROM placed p;

  INSERT INTO orders.lines (id, order_id, position, sku, title, quantity, unit_amount, tax_rate_bps, tax_amount, total_amount)
  SELECT l.id, l."orderId", l.position, l.sku, l.title, l.quantity, l.amount, l."taxRateBps", l.tax, l.total
  FROM jsonb_to_recordset(p_lines) AS l(id uuid, "orderId" uuid, position int, sku text, title text, quantity int, amount bigint,
    "taxRateBps" int, tax bigint, total bigint)
  WHERE l."orderId" = ANY (open);

  INSERT INTO orders.transitions (order_id, action, to_status, actor_kind, actor_id, request_id)
  SELECT o.id, 'place', o.status, o."actorKind", o."actorId", o."requestId"
  FROM jsonb_to_recordset(p_orders) AS o(position int, id uuid, status text, "actorKind" text, "actorId" uuid, "requestId" text)
  WHERE o.id = ANY (open)
  ORDER BY o.position;

  -- Absent for a customer's own doing.
  PERFORM audit.record(o."audit")
  FROM jsonb_to_recordset(p_orders) AS o(id uuid, "audit" jsonb)
  WHERE o.id = ANY (open) AND jsonb_typeof(o."audit") = 'object';

  -- Text, not jsonb, which would not keep the order of the keys: the first answer and a replay are the same bytes.
  FOR i IN 1 .. cardinality(placed_ids) LOOP
    at := array_position(ids, placed_ids[i]);
    known_now := '"number":"W-' || numbers[i] || '",' || times;
    fates[at] := '{"outcome":"placed",' || known_now;
    outcomes[at] := '{"result":' || left(p_views[at], -1) || ',' || known_now || '}';
  END LOOP;
  PERFORM idempotency.remember_all(p_orders, outcomes, p_key_ttl_ms);

  PERFORM events.record_all('order.placed',
    array_agg(o."factId" ORDER BY o.position), array_agg(o.id ORDER BY o.position),
    array_agg(jsonb_build_object('orderId', o.id, 'customerId', o."customerId", 'number', 'W-' || p.number,
      'total', jsonb_build_object('amount', o.total, 'currency', o.currency)) ORDER BY o.position),
    array_agg(o."requestId" ORDER BY o.position))
  FROM jsonb_to_recordset(p_orders) AS o(position int, id uuid, "factId" uuid, "customerId" uuid, total bigint, currency text, "requestId" text)
  JOIN unnest(placed_ids, numbers) AS p(id, number) ON p.id = o.id;
  RETURN fates;
END $$;
