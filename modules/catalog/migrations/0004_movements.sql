-- Every row of the ledger has an id, and a reason or an order. Movements of orders had no id, opening stock neither id nor reason.

-- UUIDv7 (RFC 9562) of a moment: 48 bits of milliseconds, the version, and the random rest of a UUIDv4. PostgreSQL has uuidv7() from 18 on.
CREATE FUNCTION catalog.id_at(p_moment timestamptz) RETURNS uuid
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
  SELECT encode(set_bit(set_bit(
    overlay(uuid_send(gen_random_uuid()) PLACING substring(int8send(floor(extract(epoch FROM p_moment) * 1000)::bigint) FROM 3) FROM 1 FOR 6),
    52, 1), 53, 1), 'hex')::uuid
$$;

-- The ledger is append-only, so what was never told is filled in by a rewrite of the table, which no UPDATE could do.
ALTER TABLE catalog.stock_movements
  ALTER COLUMN id TYPE uuid USING coalesce(id, catalog.id_at(created_at)),
  ALTER COLUMN reason TYPE text USING CASE WHEN reason IS NULL AND order_id IS NULL THEN 'Opening stock' ELSE reason END;
ALTER TABLE catalog.stock_movements
  ALTER COLUMN id SET DEFAULT catalog.id_at(clock_timestamp()),
  ALTER COLUMN id SET NOT NULL,
  ADD CONSTRAINT stock_movements_cause CHECK (reason IS NOT NULL OR order_id IS NOT NULL);

-- As in 0002, but a change that names no order is the opening stock of new SKUs, and says so.
CREATE OR REPLACE FUNCTION catalog.move_stock(p_kind text, p_order_id uuid, p_changes jsonb) RETURNS void
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
  WITH changed AS (
    UPDATE catalog.stock s
    SET on_hand = s.on_hand + c."onHand", reserved = s.reserved + c.reserved, version = s.version + 1
    FROM jsonb_to_recordset(p_changes) AS c(sku text, "onHand" int, reserved int)
    WHERE s.sku = c.sku AND s.sku = ANY (ARRAY(SELECT l->>'sku' FROM jsonb_array_elements(p_changes) AS l))
    RETURNING s.sku, s.on_hand, s.reserved, c."onHand" AS on_hand_delta, c.reserved AS reserved_delta
  )
  INSERT INTO catalog.stock_movements (sku, kind, on_hand_delta, reserved_delta, on_hand, reserved, reason, order_id)
  SELECT sku, p_kind, on_hand_delta, reserved_delta, on_hand, reserved, CASE WHEN p_order_id IS NULL THEN 'Opening stock' END, p_order_id
  FROM changed
$$;
