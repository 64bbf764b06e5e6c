-- What was sent and has come back is a movement of its own.
ALTER TABLE catalog.stock_movements DROP CONSTRAINT stock_movements_kind_check,
  ADD CONSTRAINT stock_movements_kind_check CHECK (kind IN ('adjustment', 'reservation', 'release', 'shipment', 'return'));
