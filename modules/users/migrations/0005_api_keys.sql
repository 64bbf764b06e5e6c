-- Keys for programs. The key itself is shown once and stored nowhere: 256 random bits need no slow hash.
CREATE TABLE users.api_keys (
  id uuid PRIMARY KEY,
  name text NOT NULL,
  -- Its first characters, by which its owner knows it again.
  prefix text NOT NULL,
  secret_hash bytea NOT NULL UNIQUE,
  scopes text[] NOT NULL,
  created_by uuid NOT NULL REFERENCES users.users (id),
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz,
  revoked_at timestamptz,
  -- To the minute: a write per request would cost more than the request.
  last_used_at timestamptz
);
