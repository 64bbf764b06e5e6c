-- Refunds that staff ask for: of an amount or by lines, asked again until the provider has decided, and sometimes refused.
ALTER TABLE payments.refunds
  ADD COLUMN restock boolean NOT NULL DEFAULT false,
  ADD COLUMN decline_reason text,
  -- When to ask the provider again while it is pending, and how often that was done.
  ADD COLUMN check_at timestamptz NOT NULL DEFAULT now(),
  ADD COLUMN looks int NOT NULL DEFAULT 0,
  DROP CONSTRAINT refunds_status_check,
  ADD CONSTRAINT refunds_status_check CHECK (status IN ('pending', 'succeeded', 'failed'));
CREATE INDEX refunds_of_order ON payments.refunds (order_id, id);
-- Only what is pending is ever searched: the index stays as small as that.
CREATE INDEX refunds_check_at ON payments.refunds (check_at) WHERE status = 'pending';

-- What of the order a refund is for; a refund of an amount has no lines.
CREATE TABLE payments.refund_lines (
  refund_id uuid NOT NULL REFERENCES payments.refunds (id),
  line_id uuid NOT NULL,
  sku text NOT NULL,
  quantity int NOT NULL CHECK (quantity > 0),
  amount_minor bigint NOT NULL CHECK (amount_minor >= 0),
  PRIMARY KEY (refund_id, line_id)
);
