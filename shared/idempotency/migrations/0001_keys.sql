-- What each Idempotency-Key was answered with, or that it is being worked on.
CREATE TABLE idempotency.keys (
  scope text NOT NULL,
  key text NOT NULL,
  -- sha256 of the parsed request: the same key with another body is a mistake of the client's.
  fingerprint text NOT NULL,
  -- The service's result ({"result": …}) or refusal ({"refusal": …}); null while a provider is being asked.
  -- json, not jsonb: a replay is the first answer with its keys in the same order.
  outcome json,
  -- Until then the process that claimed the key may still be at work.
  leased_until timestamptz,
  -- What a claimed key is making, so that a retry can go on with it.
  resource_id uuid,
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL,
  PRIMARY KEY (scope, key),
  CHECK (outcome IS NOT NULL OR resource_id IS NOT NULL)
);
CREATE INDEX keys_expires_at ON idempotency.keys (expires_at);

-- state: 'new' | 'replay' | 'reused' | 'in_progress' | 'resume'.
-- The advisory lock makes a twin in another process fail at once instead of waiting on a row and holding a connection.
CREATE FUNCTION idempotency.claim(p_scope text, p_key text, p_fingerprint text, OUT state text, OUT outcome json, OUT resource_id uuid)
LANGUAGE plpgsql AS $$
DECLARE
  found_key idempotency.keys;
BEGIN
  IF NOT pg_try_advisory_xact_lock(hashtextextended(p_scope || ' ' || p_key, 0)) THEN
    state := 'in_progress';
    RETURN;
  END IF;
  SELECT k.* INTO found_key FROM idempotency.keys k WHERE k.scope = p_scope AND k.key = p_key AND k.expires_at > now();
  outcome := found_key.outcome;
  resource_id := found_key.resource_id;
  state := CASE
    WHEN found_key.key IS NULL THEN 'new'
    WHEN found_key.fingerprint <> p_fingerprint THEN 'reused'
    WHEN found_key.outcome IS NOT NULL THEN 'replay'
    WHEN found_key.leased_until > now() THEN 'in_progress'
    ELSE 'resume'
  END;
END $$;

CREATE FUNCTION idempotency.remember(p_scope text, p_key text, p_fingerprint text, p_outcome json, p_ttl_ms bigint) RETURNS void
LANGUAGE sql AS $$
  INSERT INTO idempotency.keys (scope, key, fingerprint, outcome, expires_at)
  VALUES (p_scope, p_key, p_fingerprint, p_outcome, now() + p_ttl_ms * interval '1 ms')
  ON CONFLICT (scope, key) DO UPDATE
    SET fingerprint = excluded.fingerprint, outcome = excluded.outcome, leased_until = NULL, expires_at = excluded.expires_at
$$;

CREATE FUNCTION idempotency.lease(p_scope text, p_key text, p_fingerprint text, p_resource_id uuid, p_lease_ms bigint, p_ttl_ms bigint) RETURNS void
LANGUAGE sql AS $$
  INSERT INTO idempotency.keys (scope, key, fingerprint, resource_id, leased_until, expires_at)
  VALUES (p_scope, p_key, p_fingerprint, p_resource_id, now() + p_lease_ms * interval '1 ms', now() + p_ttl_ms * interval '1 ms')
  ON CONFLICT (scope, key) DO UPDATE
    SET fingerprint = excluded.fingerprint, outcome = NULL, resource_id = excluded.resource_id,
        leased_until = excluded.leased_until, expires_at = excluded.expires_at
$$;
