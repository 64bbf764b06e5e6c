// Products and their variants in PostgreSQL.
import type { Connection } from '../../shared/database/database.ts';
import { LAST_ID } from '../../shared/domain/ids.ts';
import type { Money } from '../../shared/domain/money.ts';
import type { ProductStatus, Variant } from './product.ts';

export type VariantRow = Variant & { id: string };
export type ProductRow = {
  id: string;
  title: string;
  description: string | null;
  status: ProductStatus;
  variants: VariantRow[];
  createdAt: Date;
  updatedAt: Date;
  version: number;
};
export type ProductVersion = Pick<ProductRow, 'id' | 'version'>;
export type ForSale = {
  sku: string;
  productTitle: string;
  variantTitle: string | null;
  price: Money;
  taxRateBps: number;
  status: ProductStatus;
};

/** JSON numbers are exact for amounts: at most 10^10. */
const columns = `p.id, p.title, p.description, p.status, p.created_at AS "createdAt", p.updated_at AS "updatedAt", p.version,
  (SELECT jsonb_agg(jsonb_build_object('id', v.id, 'sku', v.sku, 'title', v.title,
     'price', jsonb_build_object('amount', v.amount, 'currency', v.currency), 'taxRateBps', v.tax_rate_bps) ORDER BY v.id)
   FROM catalog.variants v WHERE v.product_id = p.id) AS variants`;

export class ProductRepository {
  async find(connection: Connection, id: string): Promise<ProductRow | null> {
    const { rows } = await connection.query<ProductRow>(`SELECT ${columns} FROM catalog.products p WHERE p.id = $1`, [
      id,
    ]);
    return rows[0] ?? null;
  }

  async lock(connection: Connection, id: string): Promise<ProductRow | null> {
    const { rows } = await connection.query<ProductRow>(
      `SELECT ${columns} FROM catalog.products p WHERE p.id = $1 FOR UPDATE OF p`,
      [id],
    );
    return rows[0] ?? null;
  }

  /** Newest first: which they are, and in which version. Four texts in all, so that each has its own plan and index. */
  async list(
    connection: Connection,
    {
      onlyActive,
      q,
      beforeId,
      limit,
    }: { onlyActive: boolean; q: string | null; beforeId: string | null; limit: number },
  ): Promise<ProductVersion[]> {
    const isActive = onlyActive ? `p.status = 'active' AND` : '';
    const isFound = q === null ? '' : `p.search @@ websearch_to_tsquery('simple', catalog.words_of($3)) AND`;
    const { rows } = await connection.query<ProductVersion>(
      `SELECT p.id, p.version FROM catalog.products p WHERE ${isActive} ${isFound} p.id < $1 ORDER BY p.id DESC LIMIT $2`,
      [beforeId ?? LAST_ID, limit, ...(q === null ? [] : [q])],
    );
    return rows;
  }

  /** In no order. Their number is kept from PostgreSQL: see findForSale. */
  async findAll(connection: Connection, ids: string[]): Promise<ProductRow[]> {
    const { rows } = await connection.query<ProductRow>(
      `SELECT ${columns} FROM catalog.products p WHERE p.id = ANY (ARRAY(SELECT unnest($1::uuid[])))`,
      [ids],
    );
    return rows;
  }

  /** How many they are is kept from PostgreSQL: it would find the plan for ten dear when it knows of one, and plan anew for each order. */
  async findForSale(connection: Connection, skus: string[]): Promise<ForSale[]> {
    const { rows } = await connection.query<Omit<ForSale, 'price'> & { amount: string; currency: string }>(
      `SELECT v.sku, p.title AS "productTitle", v.title AS "variantTitle", v.amount, v.currency, v.tax_rate_bps AS "taxRateBps", p.status
       FROM catalog.variants v JOIN catalog.products p ON p.id = v.product_id WHERE v.sku = ANY (ARRAY(SELECT unnest($1::text[])))`,
      [skus],
    );
    return rows.map(({ sku, productTitle, variantTitle, taxRateBps, status, amount, currency }) => {
      const price = { amount: Number(amount), currency };
      return { sku, productTitle, variantTitle, taxRateBps, status, price };
    });
  }

  async insert(
    connection: Connection,
    {
      id,
      title,
      description,
      status,
    }: { id: string; title: string; description: string | null; status: ProductStatus },
  ): Promise<void> {
    await connection.query('INSERT INTO catalog.products (id, title, description, status) VALUES ($1, $2, $3, $4)', [
      id,
      title,
      description,
      status,
    ]);
  }

  async update(
    connection: Connection,
    id: string,
    { title, description, status }: { title: string; description: string | null; status: ProductStatus },
  ): Promise<void> {
    await connection.query(
      'UPDATE catalog.products SET title = $2, description = $3, status = $4, updated_at = now(), version = version + 1 WHERE id = $1',
      [id, title, description, status],
    );
  }

  /** @returns the SKUs that belong to another product: those were left alone. In SKU order, so that two writers never wait for each other. */
  async upsertVariants(connection: Connection, productId: string, variants: VariantRow[]): Promise<string[]> {
    const { rows } = await connection.query<{ sku: string }>(
      `INSERT INTO catalog.variants AS v (id, product_id, sku, title, amount, currency, tax_rate_bps)
       SELECT n.id, $1, n.sku, n.title, n.amount, n.currency, n."taxRateBps"
       FROM jsonb_to_recordset($2) AS n(id uuid, sku text, title text, amount bigint, currency text, "taxRateBps" int)
       ORDER BY n.sku COLLATE "C"
       ON CONFLICT (sku) DO UPDATE
         SET title = excluded.title, amount = excluded.amount, currency = excluded.currency, tax_rate_bps = excluded.tax_rate_bps
         WHERE v.product_id = $1
       RETURNING v.sku`,
      [productId, JSON.stringify(variants.map(({ price, ...variant }) => ({ ...variant, ...price })))],
    );
    const written = new Set(rows.map(({ sku }) => sku));
    return variants.map(({ sku }) => sku).filter((sku) => !written.has(sku));
  }
}
