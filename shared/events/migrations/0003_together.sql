-- As events.record, for many facts of one type at once, in the order given.
CREATE FUNCTION events.record_all(p_type text, p_ids uuid[], p_aggregate_ids uuid[], p_payloads jsonb[], p_request_ids text[]) RETURNS void
LANGUAGE sql AS $$
  WITH facts AS (
    INSERT INTO events.outbox (id, type, aggregate_id, payload, request_id)
    SELECT f.id, p_type, f.aggregate_id, f.payload, f.request_id
    FROM unnest(p_ids, p_aggregate_ids, p_payloads, p_request_ids) WITH ORDINALITY AS f(id, aggregate_id, payload, request_id, position)
    ORDER BY f.position
    RETURNING id, seq, aggregate_id
  )
  INSERT INTO events.deliveries (event_id, subscriber, seq, aggregate_id)
  SELECT facts.id, s.subscriber, facts.seq, facts.aggregate_id FROM facts JOIN events.subscriptions s ON s.type = p_type
$$;
