-- Stripe's payment intent of a payment, written before the intent is confirmed: without a row no money can have moved.
CREATE TABLE payments.stripe_intents (
  payment_id uuid PRIMARY KEY,
  intent_id text NOT NULL UNIQUE,
  created_at timestamptz NOT NULL DEFAULT now()
);
