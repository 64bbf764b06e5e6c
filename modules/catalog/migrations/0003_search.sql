-- Full text of a product: its title and description, and the titles and SKUs of its variants.
--
-- One vector a product, so that "mug blue" finds the title in one table and the variant in the other; triggers keep it, whoever writes.

-- "MUG-BLUE.v2" is three words, in what is searched and in what is searched for: PostgreSQL's own parser would make hosts, paths and
-- negative numbers of SKUs. Only a hyphen before a word or a phrase stays, for in a query it excludes: websearch_to_tsquery fails on
-- more than 32 in a row ("tsquery stack too small").
CREATE FUNCTION catalog.words_of(p_text text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT regexp_replace(p_text, '(?<!^|\s)[-._/:@+]+|-(?![\w"])', ' ', 'g')
$$;

-- 'simple' knows no language: no stemming, no stop words, so a shop of any language finds what it wrote.
CREATE FUNCTION catalog.search_vector(p_product_id uuid, p_title text, p_description text) RETURNS tsvector
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT to_tsvector('simple', catalog.words_of(concat_ws(' ', p_title, p_description,
    (SELECT string_agg(concat_ws(' ', v.title, v.sku), ' ' ORDER BY v.id) FROM catalog.variants v WHERE v.product_id = p_product_id))))
$$;

ALTER TABLE catalog.products ADD COLUMN search tsvector NOT NULL DEFAULT '';
UPDATE catalog.products SET search = catalog.search_vector(id, title, description);
CREATE INDEX products_search ON catalog.products USING gin (search);

CREATE FUNCTION catalog.refresh_product_search() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.search := catalog.search_vector(NEW.id, NEW.title, NEW.description);
  RETURN NEW;
END $$;
CREATE TRIGGER refresh_search BEFORE INSERT OR UPDATE OF title, description ON catalog.products
  FOR EACH ROW EXECUTE FUNCTION catalog.refresh_product_search();

-- Once a statement, not once a row: 100 variants are one change of their product.
CREATE FUNCTION catalog.refresh_variants_search() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE catalog.products p SET search = catalog.search_vector(p.id, p.title, p.description)
  WHERE p.id IN (SELECT c.product_id FROM changed c)
    AND p.search IS DISTINCT FROM catalog.search_vector(p.id, p.title, p.description);
  RETURN NULL;
END $$;
CREATE TRIGGER refresh_search_insert AFTER INSERT ON catalog.variants
  REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION catalog.refresh_variants_search();
CREATE TRIGGER refresh_search_update AFTER UPDATE ON catalog.variants
  REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION catalog.refresh_variants_search();
CREATE TRIGGER refresh_search_delete AFTER DELETE ON catalog.variants
  REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION catalog.refresh_variants_search();
