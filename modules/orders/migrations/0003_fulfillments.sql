-- What was sent of an order, and when it arrived.
CREATE TABLE orders.fulfillments (
  id uuid PRIMARY KEY,
  order_id uuid NOT NULL REFERENCES orders.orders (id),
  status text NOT NULL DEFAULT 'shipped' CHECK (status IN ('shipped', 'delivered')),
  carrier text,
  tracking_number text,
  shipped_at timestamptz NOT NULL DEFAULT now(),
  delivered_at timestamptz,
  CHECK ((status = 'delivered') = (delivered_at IS NOT NULL))
);
CREATE INDEX fulfillments_order ON orders.fulfillments (order_id, id);

CREATE TABLE orders.fulfillment_lines (
  fulfillment_id uuid NOT NULL REFERENCES orders.fulfillments (id),
  line_id uuid NOT NULL REFERENCES orders.lines (id),
  quantity int NOT NULL CHECK (quantity > 0),
  PRIMARY KEY (fulfillment_id, line_id)
);

-- Never more than was ordered: held by the row, whatever the code does.
ALTER TABLE orders.lines ADD COLUMN fulfilled_quantity int NOT NULL DEFAULT 0,
  ADD CONSTRAINT lines_fulfilled CHECK (fulfilled_quantity BETWEEN 0 AND quantity);

-- A key and an account both have ids; which of them acted is a part of the history.
ALTER TABLE orders.transitions ADD COLUMN actor_kind text CHECK (actor_kind IN ('user', 'api_key')),
  ADD COLUMN fulfillment_id uuid REFERENCES orders.fulfillments (id);
