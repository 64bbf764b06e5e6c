-- The level: one hot row per SKU, so nothing references it and updates stay in the page.
CREATE TABLE catalog.stock (
  sku text COLLATE "C" PRIMARY KEY,
  on_hand int NOT NULL,
  reserved int NOT NULL DEFAULT 0,
  version int NOT NULL DEFAULT 1,
  CONSTRAINT stock_level CHECK (0 <= reserved AND reserved <= on_hand)
) WITH (fillfactor = 80);

-- The ledger: every change of a level, with the level after it.
CREATE TABLE catalog.stock_movements (
  seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  -- Made by the application for adjustments, which have a face in the API.
  id uuid UNIQUE,
  sku text COLLATE "C" NOT NULL,
  kind text NOT NULL CHECK (kind IN ('adjustment', 'reservation', 'release', 'shipment')),
  on_hand_delta int NOT NULL,
  reserved_delta int NOT NULL,
  on_hand int NOT NULL,
  reserved int NOT NULL,
  reason text,
  order_id uuid,
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX stock_movements_sku ON catalog.stock_movements (sku, seq);

CREATE FUNCTION catalog.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the stock ledger is append-only';
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON catalog.stock_movements
  FOR EACH STATEMENT EXECUTE FUNCTION catalog.refuse_change();

-- Changes the levels of several SKUs and writes the ledger. The caller holds the rows, locked in SKU order.
-- p_changes: [{"sku", "onHand", "reserved"}], the deltas.
CREATE FUNCTION catalog.move_stock(p_kind text, p_order_id uuid, p_changes jsonb) RETURNS void
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
  WITH changed AS (
    UPDATE catalog.stock s
    SET on_hand = s.on_hand + c."onHand", reserved = s.reserved + c.reserved, version = s.version + 1
    FROM jsonb_to_recordset(p_changes) AS c(sku text, "onHand" int, reserved int)
    WHERE s.sku = c.sku AND s.sku = ANY (ARRAY(SELECT l->>'sku' FROM jsonb_array_elements(p_changes) AS l))
    RETURNING s.sku, s.on_hand, s.reserved, c."onHand" AS on_hand_delta, c.reserved AS reserved_delta
  )
  INSERT INTO catalog.stock_movements (sku, kind, on_hand_delta, reserved_delta, on_hand, reserved, order_id)
  SELECT sku, p_kind, on_hand_delta, reserved_delta, on_hand, reserved, p_order_id FROM changed
$$;

-- Takes stock for an order, all or nothing: a part of this module's face, called by name from orders.place.
-- p_lines: [{"sku", "quantity", "amount", "currency", "taxRateBps"}], distinct SKUs, in any order.
-- outcome: 'reserved'; 'changed' (a line is not what is sold now); 'short' with {"lines": [{"sku", "available"}]}.
--
-- Rows are locked in SKU order, so that two orders never wait for each other: LockRows runs above the sort. Prices are looked at
-- when the locks are held: who changes a price or a status holds the same rows, so no order takes an old price once the change
-- was answered. pg_temp is named last, or the caller's temporary types would come first.
CREATE FUNCTION catalog.reserve(p_order_id uuid, p_lines jsonb) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  -- `= ANY (wanted)` beside the joins tells the planner that there are few: it guesses 100 rows for a jsonb, and scans small tables.
  wanted text[] := ARRAY(SELECT l->>'sku' FROM jsonb_array_elements(p_lines) AS l);
  sold_count int;
  short jsonb;
BEGIN
  PERFORM FROM catalog.stock s WHERE s.sku = ANY (wanted) ORDER BY s.sku FOR UPDATE;

  SELECT count(*),
    jsonb_agg(jsonb_build_object('sku', s.sku, 'available', s.on_hand - s.reserved) ORDER BY s.sku) FILTER (WHERE s.on_hand - s.reserved < l.quantity)
  INTO sold_count, short
  FROM jsonb_to_recordset(p_lines) AS l(sku text, quantity int, amount bigint, currency text, "taxRateBps" int)
  JOIN catalog.variants v ON v.sku = l.sku AND v.amount = l.amount AND v.currency = l.currency AND v.tax_rate_bps = l."taxRateBps"
  JOIN catalog.products p ON p.id = v.product_id AND p.status = 'active'
  JOIN catalog.stock s ON s.sku = l.sku
  WHERE v.sku = ANY (wanted) AND s.sku = ANY (wanted);
  IF sold_count <> cardinality(wanted) THEN
    RETURN jsonb_build_object('outcome', 'changed');
  END IF;
  IF short IS NOT NULL THEN
    RETURN jsonb_build_object('outcome', 'short', 'lines', short);
  END IF;

  PERFORM catalog.move_stock('reservation', p_order_id,
    (SELECT jsonb_agg(jsonb_build_object('sku', l->'sku', 'onHand', 0, 'reserved', l->'quantity')) FROM jsonb_array_elements(p_lines) AS l));
  RETURN jsonb_build_object('outcome', 'reserved');
END $$;
