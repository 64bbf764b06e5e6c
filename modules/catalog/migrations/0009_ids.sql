-- As in 0004, but parsed once and part of the statement that asks: with a search_path of its own it was a call for each row of the ledger,
-- which cost as much as all else in writing the row.
CREATE OR REPLACE FUNCTION catalog.id_at(p_moment timestamptz) RETURNS uuid
LANGUAGE sql VOLATILE
RETURN encode(set_bit(set_bit(
  overlay(uuid_send(gen_random_uuid()) PLACING substring(int8send(floor(extract(epoch FROM p_moment) * 1000)::bigint) FROM 3) FROM 1 FOR 6),
  52, 1), 53, 1), 'hex')::uuid;
