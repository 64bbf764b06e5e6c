CREATE SEQUENCE orders.order_numbers AS bigint START 1001;

CREATE TABLE orders.orders (
  id uuid PRIMARY KEY,
  number bigint NOT NULL UNIQUE DEFAULT nextval('orders.order_numbers'),
  customer_id uuid NOT NULL,
  status text NOT NULL CHECK (status IN ('pending_payment', 'confirmed', 'fulfilled', 'completed', 'cancelled', 'expired')),
  payment_status text NOT NULL CHECK (payment_status IN (
    'unpaid', 'processing', 'authorized', 'paid', 'void_pending', 'voided', 'refund_pending', 'partially_refunded', 'refunded')),
  fulfillment_status text NOT NULL CHECK (fulfillment_status IN ('unfulfilled', 'partially_fulfilled', 'fulfilled', 'delivered')),
  currency text NOT NULL,
  subtotal_amount bigint NOT NULL CHECK (subtotal_amount >= 0),
  tax_amount bigint NOT NULL CHECK (tax_amount >= 0),
  total_amount bigint NOT NULL CHECK (total_amount = subtotal_amount + tax_amount),
  shipping_address jsonb,
  note text,
  cancel_reason text,
  placed_at timestamptz NOT NULL,
  expires_at timestamptz,
  version int NOT NULL DEFAULT 1,
  CHECK ((status = 'pending_payment') = (expires_at IS NOT NULL))
) WITH (fillfactor = 85);
CREATE INDEX orders_customer ON orders.orders (customer_id, id);
CREATE INDEX orders_status ON orders.orders (status, id);
CREATE INDEX orders_expiring ON orders.orders (expires_at) WHERE status = 'pending_payment';

CREATE TABLE orders.lines (
  id uuid PRIMARY KEY,
  order_id uuid NOT NULL REFERENCES orders.orders (id),
  position int NOT NULL,
  sku text COLLATE "C" NOT NULL,
  title text NOT NULL,
  quantity int NOT NULL CHECK (quantity > 0),
  unit_amount bigint NOT NULL CHECK (unit_amount >= 0),
  tax_rate_bps int NOT NULL CHECK (tax_rate_bps BETWEEN 0 AND 10000),
  tax_amount bigint NOT NULL CHECK (tax_amount >= 0),
  total_amount bigint NOT NULL CHECK (total_amount = quantity * unit_amount + tax_amount),
  UNIQUE (order_id, position)
);

-- The order's history: a row for each step, written with the step.
CREATE TABLE orders.transitions (
  seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  order_id uuid NOT NULL REFERENCES orders.orders (id),
  action text NOT NULL,
  from_status text,
  to_status text NOT NULL,
  -- Null: a job or a payment did it.
  actor_id uuid,
  request_id text,
  happened_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX transitions_order ON orders.transitions (order_id, seq);
