-- Every process that remembers what a SKU is sold as hears, once it is committed, that it changed: as 0006, by the name of the other cache.
CREATE FUNCTION catalog.tell_changed_offer() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM pg_notify('waybill_changes', 'offers ' || v.sku) FROM (VALUES (OLD.sku), (NEW.sku)) AS v(sku) WHERE v.sku IS NOT NULL;
  RETURN NULL;
END $$;
CREATE TRIGGER tell_changed_offer AFTER INSERT OR UPDATE OR DELETE ON catalog.variants
  FOR EACH ROW EXECUTE FUNCTION catalog.tell_changed_offer();

CREATE FUNCTION catalog.tell_changed_offers() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM pg_notify('waybill_changes', 'offers ' || v.sku) FROM catalog.variants v WHERE v.product_id = NEW.id;
  RETURN NULL;
END $$;
CREATE TRIGGER tell_changed_offers AFTER UPDATE ON catalog.products
  FOR EACH ROW WHEN (OLD.title <> NEW.title OR OLD.status <> NEW.status) EXECUTE FUNCTION catalog.tell_changed_offers();
