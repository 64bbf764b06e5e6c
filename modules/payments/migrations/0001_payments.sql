-- Payments, the refunds that give money back, and the provider's events already heard.
CREATE TABLE payments.payments (
  -- Also the provider's idempotency key: one row is one charge, however often it is asked for.
  id uuid PRIMARY KEY,
  order_id uuid NOT NULL,
  customer_id uuid NOT NULL,
  provider text NOT NULL,
  status text NOT NULL CHECK (status IN
    ('processing', 'unknown', 'requires_action', 'authorized', 'captured', 'voided', 'declined', 'refunded')),
  amount_minor bigint NOT NULL CHECK (amount_minor >= 0),
  currency text NOT NULL,
  -- false: authorise only, the money is captured later.
  captures boolean NOT NULL,
  authorized_minor bigint NOT NULL DEFAULT 0,
  captured_minor bigint NOT NULL DEFAULT 0,
  refunded_minor bigint NOT NULL DEFAULT 0,
  next_action jsonb,
  decline_reason text,
  -- Why this money goes back; is_owed while it has not gone yet.
  give_back_reason text,
  is_owed boolean NOT NULL DEFAULT false,
  -- When to ask the provider about it; null when there is nothing left to ask.
  check_at timestamptz,
  -- Counts who took it up to ask, so that a slow one does not decide over its successor.
  looks int NOT NULL DEFAULT 0,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  version int NOT NULL DEFAULT 1,
  CHECK (refunded_minor BETWEEN 0 AND captured_minor),
  CHECK (give_back_reason IS NOT NULL OR NOT is_owed),
  CHECK (check_at IS NOT NULL OR NOT is_owed)
);
-- An order is paid once: one payment of it may be under way or hold money.
CREATE UNIQUE INDEX payments_active ON payments.payments (order_id)
  WHERE status IN ('processing', 'unknown', 'requires_action', 'authorized', 'captured');
CREATE INDEX payments_of_order ON payments.payments (order_id, id);
-- Only what is open or owed is ever searched: the index stays as small as that.
CREATE INDEX payments_check_at ON payments.payments (check_at) WHERE check_at IS NOT NULL;

CREATE TABLE payments.refunds (
  -- Also the provider's idempotency key.
  id uuid PRIMARY KEY,
  payment_id uuid NOT NULL REFERENCES payments.payments (id),
  order_id uuid NOT NULL,
  amount_minor bigint NOT NULL CHECK (amount_minor >= 0),
  currency text NOT NULL,
  reason text NOT NULL,
  status text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'succeeded')),
  created_at timestamptz NOT NULL DEFAULT now(),
  settled_at timestamptz
);
CREATE INDEX refunds_of_payment ON payments.refunds (payment_id, id);

-- Providers repeat themselves: an event is remembered in the transaction of its effect.
CREATE TABLE payments.provider_events (
  provider text NOT NULL,
  event_id text NOT NULL,
  received_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (provider, event_id)
);
CREATE INDEX provider_events_received_at ON payments.provider_events (received_at);
