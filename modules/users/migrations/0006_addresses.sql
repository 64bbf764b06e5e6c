-- Where somebody has things sent: an order takes a copy, so these can be changed and deleted freely.
CREATE TABLE users.addresses (
  id uuid PRIMARY KEY,
  user_id uuid NOT NULL REFERENCES users.users (id) ON DELETE CASCADE,
  name text NOT NULL,
  line1 text NOT NULL,
  line2 text,
  city text NOT NULL,
  region text,
  postal_code text,
  country text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  version int NOT NULL DEFAULT 1
);
CREATE INDEX addresses_user_id ON users.addresses (user_id, id);
