-- As in 0001: leases the due heads, per subscriber and aggregate only the oldest pending delivery.
-- The statistics usually know of no pending row, so any index of pending rows looked as good as the other, and a join as good as a look: a
-- backlog was read whole for each of its deliveries. Now the head is asked for by itself, row by row, in words that only its own index fits.
DROP INDEX events.deliveries_heads;
CREATE INDEX deliveries_heads ON events.deliveries (subscriber, aggregate_id, seq) WHERE status <> 'delivered' AND status <> 'dead';

CREATE OR REPLACE FUNCTION events.claim_due(p_limit int, p_lease_ms bigint)
RETURNS TABLE (event_id uuid, subscriber text, attempts int, type text, aggregate_id uuid, payload jsonb, request_id text, occurred_at timestamptz)
LANGUAGE sql AS $$
  WITH due AS (
    SELECT d.event_id, d.subscriber FROM events.deliveries d
    WHERE d.status = 'pending' AND d.next_at <= now()
      AND d.seq = (
        SELECT head.seq FROM events.deliveries head
        WHERE head.status <> 'delivered' AND head.status <> 'dead' AND head.subscriber = d.subscriber AND head.aggregate_id = d.aggregate_id
        ORDER BY head.seq LIMIT 1)
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
