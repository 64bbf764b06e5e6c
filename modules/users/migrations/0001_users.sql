-- Accounts, and the logins that are open on them.
CREATE TABLE users.users (
  id uuid PRIMARY KEY,
  -- Lower-cased before it is stored, so that plain uniqueness is uniqueness without regard to case.
  email text NOT NULL UNIQUE CHECK (email = lower(email)),
  name text NOT NULL,
  password_hash text NOT NULL,
  role text NOT NULL CHECK (role IN ('customer', 'support', 'catalog', 'warehouse', 'finance', 'admin')),
  status text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'disabled')),
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  version int NOT NULL DEFAULT 1
);
-- Asked at every start: is there staff yet? Customers, who are nearly everyone, stay out of the index.
CREATE INDEX users_staff ON users.users (role) WHERE role <> 'customer';

-- One row a login. Its refresh token changes at each use; only the sha256 of the last two is kept.
CREATE TABLE users.sessions (
  id uuid PRIMARY KEY,
  user_id uuid NOT NULL REFERENCES users.users (id) ON DELETE CASCADE,
  token_hash bytea NOT NULL,
  previous_token_hash bytea,
  generation int NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(),
  rotated_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL,
  revoked_at timestamptz
);
CREATE INDEX sessions_user_id ON users.sessions (user_id);
CREATE INDEX sessions_expires_at ON users.sessions (expires_at);
CREATE INDEX sessions_revoked_at ON users.sessions (revoked_at) WHERE revoked_at IS NOT NULL;
