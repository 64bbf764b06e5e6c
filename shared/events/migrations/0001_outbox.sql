-- Every fact recorded, and one delivery per subscriber that has to hear it.
CREATE TABLE events.outbox (
  id uuid PRIMARY KEY,
  seq bigint GENERATED ALWAYS AS IDENTITY,
  type text NOT NULL,
  aggregate_id uuid NOT NULL,
  payload jsonb NOT NULL,
  request_id text,
  occurred_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX outbox_occurred_at ON events.outbox (occurred_at);

-- Who hears what: written by each process as it starts, read when a fact is recorded.
CREATE TABLE events.subscriptions (
  subscriber text NOT NULL,
  type text NOT NULL,
  PRIMARY KEY (type, subscriber)
);

CREATE TABLE events.deliveries (
  event_id uuid NOT NULL,
  subscriber text NOT NULL,
  seq bigint NOT NULL,
  aggregate_id uuid NOT NULL,
  status text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'delivered', 'dead')),
  attempts int NOT NULL DEFAULT 0,
  -- While a delivery is under way this is the end of its lease.
  next_at timestamptz NOT NULL DEFAULT now(),
  delivered_at timestamptz,
  last_error text,
  PRIMARY KEY (event_id, subscriber)
);
-- Only what is pending is ever searched: the index stays as small as the backlog.
CREATE INDEX deliveries_pending ON events.deliveries (next_at) WHERE status = 'pending';
CREATE INDEX deliveries_heads ON events.deliveries (subscriber, aggregate_id, seq) WHERE status = 'pending';
CREATE INDEX deliveries_delivered_at ON events.deliveries (delivered_at) WHERE status = 'delivered';

-- Records a fact in the caller's transaction. The caller holds the aggregate's row, so seq follows the order of its commits.
CREATE FUNCTION events.record(p_id uuid, p_type text, p_aggregate_id uuid, p_payload jsonb, p_request_id text) RETURNS void
LANGUAGE sql AS $$
  WITH fact AS (
    INSERT INTO events.outbox (id, type, aggregate_id, payload, request_id)
    VALUES (p_id, p_type, p_aggregate_id, p_payload, p_request_id)
    RETURNING id, seq, type, aggregate_id
  )
  INSERT INTO events.deliveries (event_id, subscriber, seq, aggregate_id)
  SELECT fact.id, s.subscriber, fact.seq, fact.aggregate_id FROM fact JOIN events.subscriptions s USING (type)
$$;

-- Leases the due heads: per subscriber and aggregate only the oldest pending delivery, so order holds without a transaction held open.
CREATE FUNCTION events.claim_due(p_limit int, p_lease_ms bigint)
RETURNS TABLE (event_id uuid, subscriber text, attempts int, type text, aggregate_id uuid, payload jsonb, request_id text, occurred_at timestamptz)
LANGUAGE sql AS $$
  WITH due AS (
    SELECT d.event_id, d.subscriber FROM events.deliveries d
    WHERE d.status = 'pending' AND d.next_at <= now()
      AND NOT EXISTS (
        SELECT FROM events.deliveries earlier
        WHERE earlier.status = 'pending' AND earlier.subscriber = d.subscriber
          AND earlier.aggregate_id = d.aggregate_id AND earlier.seq < d.seq)
    ORDER BY d.next_at
    LIMIT p_limit
    FOR UPDATE SKIP LOCKED
  ), leased AS (
    UPDATE events.deliveries d
    SET attempts = d.attempts + 1, next_at = now() + p_lease_ms * interval '1 ms'
    FROM due WHERE d.event_id = due.event_id AND d.subscriber = due.subscriber
    RETURNING d.event_id, d.subscriber, d.attempts
  )
  SELECT leased.event_id, leased.subscriber, leased.attempts, o.type, o.aggregate_id, o.payload, o.request_id, o.occurred_at
  FROM leased JOIN events.outbox o ON o.id = leased.event_id
  ORDER BY o.seq
$$;
