-- As users.hold_active, for many at once: who of them is active. In the order of ids, so that nobody waits in a circle.
CREATE FUNCTION users.hold_all_active(p_user_ids uuid[]) RETURNS uuid[]
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN ARRAY(SELECT u.id FROM users.users u WHERE u.id = ANY (p_user_ids) AND u.status = 'active' ORDER BY u.id FOR KEY SHARE);
END $$;
