-- The books of the test provider: what a real provider would keep in its own house.
CREATE TABLE payments.test_provider_charges (
  -- The idempotency key of whoever charges: our payment's id.
  id uuid PRIMARY KEY,
  status text NOT NULL CHECK (status IN
    ('processing', 'requires_action', 'authorized', 'captured', 'voided', 'declined', 'refunded')),
  amount_minor bigint NOT NULL CHECK (amount_minor >= 0),
  currency text NOT NULL,
  captures boolean NOT NULL,
  captured_minor bigint NOT NULL DEFAULT 0,
  refunded_minor bigint NOT NULL DEFAULT 0,
  decline_reason text,
  -- A slow charge succeeds then by itself.
  settles_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT now(),
  CHECK (captured_minor BETWEEN 0 AND amount_minor),
  CHECK (refunded_minor BETWEEN 0 AND captured_minor)
);

CREATE TABLE payments.test_provider_refunds (
  id uuid PRIMARY KEY,
  charge_id uuid NOT NULL REFERENCES payments.test_provider_charges (id),
  amount_minor bigint NOT NULL CHECK (amount_minor >= 0),
  created_at timestamptz NOT NULL DEFAULT now()
);
