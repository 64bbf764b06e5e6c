-- Every process that remembers a product hears, once it is committed, that it changed: whoever writes, psql included.
-- The payload is the name of the cache and the key in it; repeats within one transaction are one notification.
CREATE FUNCTION catalog.tell_change() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM pg_notify('waybill_changes', 'products ' || (to_jsonb(coalesce(NEW, OLD)) ->> TG_ARGV[0]));
  RETURN NULL;
END $$;
CREATE TRIGGER tell_change AFTER UPDATE OR DELETE ON catalog.products
  FOR EACH ROW EXECUTE FUNCTION catalog.tell_change('id');
CREATE TRIGGER tell_change AFTER INSERT OR UPDATE OR DELETE ON catalog.variants
  FOR EACH ROW EXECUTE FUNCTION catalog.tell_change('product_id');
