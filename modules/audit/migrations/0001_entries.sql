-- The audit trail: who did what, never changed and never deleted.
CREATE TABLE audit.entries (
  id uuid PRIMARY KEY,
  happened_at timestamptz NOT NULL DEFAULT now(),
  -- Null: nobody we know, as in a failed login.
  actor_type text CHECK (actor_type IN ('user', 'api_key')),
  actor_id uuid,
  role text,
  action text NOT NULL,
  subject_type text NOT NULL,
  subject_id uuid,
  before jsonb,
  after jsonb,
  address text,
  request_id text,
  CHECK ((actor_type IS NULL) = (actor_id IS NULL))
);
CREATE INDEX entries_actor ON audit.entries (actor_id, id);
CREATE INDEX entries_subject ON audit.entries (subject_id, id);
CREATE INDEX entries_action ON audit.entries (action, id);
CREATE INDEX entries_request ON audit.entries (request_id, id);

CREATE FUNCTION audit.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the audit trail is append-only';
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit.entries
  FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change();

-- A part of this module's face: every module records in its own transaction. For the shape of p see audit.service.ts, prepare.
CREATE FUNCTION audit.record(p jsonb) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  INSERT INTO audit.entries (id, actor_type, actor_id, role, action, subject_type, subject_id, before, after, address, request_id)
  SELECT e.id, e."actorType", e."actorId", e.role, e.action, e."subjectType", e."subjectId",
    nullif(e.before, 'null'), nullif(e.after, 'null'), e.address, e."requestId"
  FROM jsonb_to_record(p) AS e(id uuid, "actorType" text, "actorId" uuid, role text, action text, "subjectType" text, "subjectId" uuid,
    before jsonb, after jsonb, address text, "requestId" text)
$$;
