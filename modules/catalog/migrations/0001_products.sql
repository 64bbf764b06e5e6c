CREATE TABLE catalog.products (
  id uuid PRIMARY KEY,
  title text NOT NULL,
  description text,
  status text NOT NULL CHECK (status IN ('draft', 'active', 'archived')),
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  version int NOT NULL DEFAULT 1
);
CREATE INDEX products_active ON catalog.products (id) WHERE status = 'active';

CREATE TABLE catalog.variants (
  id uuid PRIMARY KEY,
  product_id uuid NOT NULL REFERENCES catalog.products (id),
  sku text COLLATE "C" NOT NULL CONSTRAINT variants_sku UNIQUE,
  title text,
  amount bigint NOT NULL CHECK (amount BETWEEN 0 AND 10000000000),
  currency text NOT NULL,
  tax_rate_bps int NOT NULL CHECK (tax_rate_bps BETWEEN 0 AND 10000)
);
CREATE INDEX variants_product ON catalog.variants (product_id, id);
