-- An account that was deleted stays as an empty row: orders and the audit trail go on naming its id.
ALTER TABLE users.users
  ALTER COLUMN password_hash DROP NOT NULL,
  DROP CONSTRAINT users_status_check,
  ADD CONSTRAINT users_status_check CHECK (status IN ('active', 'disabled', 'deleted')),
  ADD CONSTRAINT users_password_hash_check CHECK ((password_hash IS NULL) = (status = 'deleted'));

-- For orders, in the statement that places one: true while the account is active, and it stays undeleted until the caller's commit.
-- Who deletes it holds FOR UPDATE, so one of the two waits for the other and then sees what it did. A change of name waits for nobody.
CREATE FUNCTION users.hold_active(p_user_id uuid) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM FROM users.users WHERE id = p_user_id AND status = 'active' FOR KEY SHARE;
  RETURN FOUND;
END $$;
