-- What a mail proves: that its reader may verify the address, or choose a new password.
ALTER TABLE users.users ADD COLUMN email_verified_at timestamptz;

CREATE TABLE users.one_time_tokens (
  user_id uuid NOT NULL REFERENCES users.users (id) ON DELETE CASCADE,
  purpose text NOT NULL CHECK (purpose IN ('verify_email', 'reset_password')),
  -- sha256: the token itself is in the mail only.
  token_hash bytea NOT NULL UNIQUE,
  expires_at timestamptz NOT NULL,
  -- A newer token takes the place of the older one.
  PRIMARY KEY (user_id, purpose)
);
CREATE INDEX one_time_tokens_expires_at ON users.one_time_tokens (expires_at);
