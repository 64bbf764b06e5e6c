-- As idempotency.claim, for many keys at once: a row for each that is not new. A key stands in p_keys once.
-- p_keys: [{"position", "scope", "key", "fingerprint", …}]; positions count from 1 without a gap.
-- Two statements: what a twin committed just before we got its lock is seen by the second only.
CREATE FUNCTION idempotency.claim_all(p_keys jsonb) RETURNS TABLE (at_position int, state text, found_outcome json)
LANGUAGE plpgsql AS $$
DECLARE
  ours boolean[];
BEGIN
  SELECT array_agg(pg_try_advisory_xact_lock(hashtextextended(k.scope || ' ' || k.key, 0)) ORDER BY k.position) INTO ours
  FROM jsonb_to_recordset(p_keys) AS k(position int, scope text, key text);

  RETURN QUERY
  SELECT k.position,
    CASE
      WHEN NOT ours[k.position] THEN 'in_progress'
      WHEN found.fingerprint <> k.fingerprint THEN 'reused'
      WHEN found.outcome IS NOT NULL THEN 'replay'
      WHEN found.leased_until > now() THEN 'in_progress'
      ELSE 'resume'
    END,
    CASE WHEN ours[k.position] THEN found.outcome END
  FROM jsonb_to_recordset(p_keys) AS k(position int, scope text, key text, fingerprint text)
  -- LIMIT: looked up key by key, however small the table was when this was planned.
  LEFT JOIN LATERAL (
    SELECT s.key, s.fingerprint, s.outcome, s.leased_until FROM idempotency.keys s
    WHERE s.scope = k.scope AND s.key = k.key AND s.expires_at > now() LIMIT 1
  ) AS found ON true
  WHERE found.key IS NOT NULL OR NOT ours[k.position];
END $$;

-- As idempotency.remember, for those of p_keys at whose position there is an outcome.
CREATE FUNCTION idempotency.remember_all(p_keys jsonb, p_outcomes json[], p_ttl_ms bigint) RETURNS void
LANGUAGE sql AS $$
  INSERT INTO idempotency.keys (scope, key, fingerprint, outcome, expires_at)
  SELECT k.scope, k.key, k.fingerprint, p_outcomes[k.position], now() + p_ttl_ms * interval '1 ms'
  FROM jsonb_to_recordset(p_keys) AS k(position int, scope text, key text, fingerprint text)
  WHERE p_outcomes[k.position] IS NOT NULL
  ON CONFLICT (scope, key) DO UPDATE
    SET fingerprint = excluded.fingerprint, outcome = excluded.outcome, leased_until = NULL, expires_at = excluded.expires_at
$$;
