-- As catalog.reserve, for many orders at once, which are decided in the order of p_orders: each gets all its lines or none, and what it
-- gets the next ones cannot have. A row for each that got none: {"outcome": "changed"} or {"outcome": "short", "lines": [{"sku", "available"}]}.
-- p_lines: [{"orderId", "sku", "quantity", "amount", "currency", "taxRateBps"}], distinct SKUs in an order.
--
-- Each SKU is locked once and changed once: a hot one is a queue for its row, and company waits in it together.
CREATE FUNCTION catalog.reserve_all(p_orders uuid[], p_lines jsonb) RETURNS TABLE (refused_id uuid, refusal json)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  wanted text[] := ARRAY(SELECT DISTINCT l->>'sku' FROM jsonb_array_elements(p_lines) AS l);
  -- The levels, by the same index: as they were found, and as they become.
  skus text[];
  on_hands int[];
  reserveds int[];
  -- What is taken, in order: for the ledger.
  taken_by uuid[] := '{}';
  taken_from int[] := '{}';
  taken int[] := '{}';
  reserved_then int[] := '{}';
  one record;
  is_short boolean;
  level int;
BEGIN
  SELECT array_agg(s.sku), array_agg(s.on_hand), array_agg(s.reserved) INTO skus, on_hands, reserveds
  FROM (SELECT s.sku, s.on_hand, s.reserved FROM catalog.stock s WHERE s.sku = ANY (wanted) ORDER BY s.sku FOR UPDATE) AS s;

  FOR one IN
    SELECT l."orderId" AS id, bool_and(p.id IS NOT NULL AND s.level IS NOT NULL) AS is_sold,
      array_agg(s.level::int ORDER BY s.level) AS levels, array_agg(l.quantity ORDER BY s.level) AS quantities
    FROM jsonb_to_recordset(p_lines) AS l("orderId" uuid, sku text, quantity int, amount bigint, currency text, "taxRateBps" int)
    LEFT JOIN unnest(skus) WITH ORDINALITY AS s(sku, level) ON s.sku = l.sku
    LEFT JOIN catalog.variants v ON v.sku = l.sku AND v.amount = l.amount AND v.currency = l.currency AND v.tax_rate_bps = l."taxRateBps"
      AND v.sku = ANY (wanted)
    LEFT JOIN catalog.products p ON p.id = v.product_id AND p.status = 'active'
    WHERE l."orderId" = ANY (p_orders)
    GROUP BY l."orderId"
    ORDER BY array_position(p_orders, l."orderId")
  LOOP
    IF NOT one.is_sold THEN
      refused_id := one.id;
      refusal := '{"outcome":"changed"}';
      RETURN NEXT;
      CONTINUE;
    END IF;

    is_short := false;
    FOR i IN 1 .. cardinality(one.levels) LOOP
      level := one.levels[i];
      is_short := is_short OR on_hands[level] - reserveds[level] < one.quantities[i];
    END LOOP;
    IF is_short THEN
      refused_id := one.id;
      refusal := json_build_object('outcome', 'short', 'lines', (
        SELECT json_agg(json_build_object('sku', skus[l.level], 'available', on_hands[l.level] - reserveds[l.level]) ORDER BY l.level)
        FROM unnest(one.levels, one.quantities) AS l(level, quantity)
        WHERE on_hands[l.level] - reserveds[l.level] < l.quantity));
      RETURN NEXT;
      CONTINUE;
    END IF;

    FOR i IN 1 .. cardinality(one.levels) LOOP
      level := one.levels[i];
      reserveds[level] := reserveds[level] + one.quantities[i];
      taken_by := array_append(taken_by, one.id);
      taken_from := array_append(taken_from, level);
      taken := array_append(taken, one.quantities[i]);
      reserved_then := array_append(reserved_then, reserveds[level]);
    END LOOP;
  END LOOP;

  UPDATE catalog.stock s SET reserved = n.reserved, version = s.version + 1
  FROM unnest(skus, reserveds) AS n(sku, reserved)
  WHERE s.sku = n.sku AND s.sku = ANY (wanted) AND s.reserved <> n.reserved;

  INSERT INTO catalog.stock_movements (sku, kind, on_hand_delta, reserved_delta, on_hand, reserved, order_id)
  SELECT skus[t.level], 'reservation', 0, t.quantity, on_hands[t.level], t.reserved, t.order_id
  FROM unnest(taken_by, taken_from, taken, reserved_then) WITH ORDINALITY AS t(order_id, level, quantity, reserved, position)
  ORDER BY t.position;
END $$;
