// The use cases of products: sell, change, archive, read; and what orders may ask.
import { Batcher } from '../../shared/batching/batcher.ts';
import type { Remembered } from '../../shared/cache/remembered.ts';
import type { Database, Transaction } from '../../shared/database/database.ts';
import { isOutage } from '../../shared/database/database-errors.ts';
import type { Audit } from '../../shared/domain/audit.ts';
import { newId } from '../../shared/domain/ids.ts';
import type { Money } from '../../shared/domain/money.ts';
import { decodeCursor, toPage, type Page } from '../../shared/domain/page.ts';
import { conflict, notFound, preconditionFailed } from '../../shared/errors/app-error.ts';
import { may, type Actor } from '../../shared/http/actor.ts';
import { isUuid, PAGE_LIMIT_DEFAULT } from '../../shared/http/schemas.ts';
import { faultAt, requireDistinctSkus, saleTitle, type ProductStatus } from './product.ts';
import type { ProductRepository, ProductRow, ProductVersion } from './product.repository.ts';
import type { CreateProduct, ListProducts, PatchProduct } from './product.validation.ts';
import { presentProduct, type ProductView } from './product.view.ts';
import type { StockRepository } from './stock.repository.ts';

type Deps = {
  database: Database;
  products: ProductRepository;
  stock: StockRepository;
  audit: Audit;
  /** By id, whatever the status: who may see it is asked each time. */
  views: Remembered<ProductView>;
  /** By SKU. */
  offers: Remembered<Offer | undefined>;
};

/** What a SKU is sold as. */
export type Offer = { sku: string; title: string; price: Money; taxRateBps: number; status: ProductStatus };

/** Lists of up to 50 SKUs each. */
const OFFERS_BATCH_MAX = 64;

export class ProductService {
  private readonly deps: Deps;
  private readonly offerReads: Batcher<string[], Offer[]>;

  constructor(deps: Deps) {
    this.deps = deps;
    const run = (lists: string[][]) => this.readOffers(lists);
    this.offerReads = new Batcher({ run, max: OFFERS_BATCH_MAX, isOfAll: isOutage });
  }

  /** For orders: what these SKUs are sold as. Unknown ones are absent. Who asks at the same time is answered by one query. */
  findForSale(skus: string[]): Promise<Offer[]> {
    return this.offerReads.add(skus);
  }

  /** The same, as this process remembers it: for who has it compared where it counts, as catalog.reserve_all does. */
  async recallForSale(skus: string[]): Promise<Offer[]> {
    const offers = await this.deps.offers.findAll(skus, async (missing) => {
      const found = new Map((await this.findForSale(missing)).map((offer) => [offer.sku, offer]));
      return missing.map((sku) => found.get(sku));
    });
    return offers.filter((offer) => offer !== undefined);
  }

  private async readOffers(lists: string[][]): Promise<Offer[][]> {
    const found = await this.deps.products.findForSale(this.deps.database, [...new Set(lists.flat())]);
    const bySku = new Map(
      found.map(({ productTitle, variantTitle, ...variant }) => [
        variant.sku,
        { ...variant, title: saleTitle(productTitle, variantTitle) },
      ]),
    );
    return lists.map((skus) => skus.flatMap((sku) => bySku.get(sku) ?? []));
  }

  /** Newest first, as they are now: the list is read each time, what is remembered of a product only if it is of that version. @throws malformed `cursor_invalid` */
  async list(actor: Actor | null, { limit = PAGE_LIMIT_DEFAULT, cursor, q }: ListProducts): Promise<Page<ProductView>> {
    const [beforeId = null] = cursor === undefined ? [] : decodeCursor(cursor, [isUuid]);
    const onlyActive = !may(actor, 'products:read');
    const rows = await this.deps.products.list(this.deps.database, {
      onlyActive,
      q: q ?? null,
      beforeId,
      limit: limit + 1,
    });
    const { items, nextCursor } = toPage(rows, limit, ({ id }) => [id]);
    const views = await this.viewsOf(items);
    // One that was archived since the list was read is not told.
    return { items: onlyActive ? views.filter(({ status }) => status === 'active') : views, nextCursor };
  }

  /** @throws notFound `product_not_found`, also for a draft or archived one unless staff ask */
  async get(actor: Actor | null, id: string): Promise<ProductView> {
    const view = await this.deps.views.find(id, () => this.read(id));
    if (view.status !== 'active' && !may(actor, 'products:read')) throw productNotFound();
    return view;
  }

  /** @throws malformed `duplicate_sku`; conflict `sku_taken` */
  create(actor: Actor, { title, description = null, status, variants }: CreateProduct): Promise<ProductView> {
    requireDistinctSkus(variants);
    return this.deps.database.transaction(async (tx) => {
      const id = newId();
      await this.deps.products.insert(tx, { id, title, description, status });
      await this.putVariants(tx, id, variants, []);
      const stocked = variants.filter(({ onHand }) => onHand > 0);
      if (stocked.length > 0) await this.deps.stock.open(tx, stocked);
      const after = presentProduct(await this.reread(tx, id));
      await this.record(tx, actor, 'product.created', { after });
      return after;
    });
  }

  /** @throws malformed `duplicate_sku`; notFound `product_not_found`; preconditionFailed `version_stale`; conflict `sku_taken` */
  patch(
    actor: Actor,
    id: string,
    expectedVersion: number,
    { variants = [], ...patch }: PatchProduct,
  ): Promise<ProductView> {
    requireDistinctSkus(variants);
    return this.deps.database.transaction(async (tx) => {
      const product = await this.lockVersion(tx, id, expectedVersion);
      const { title = product.title, description = product.description, status = product.status } = patch;
      await this.deps.products.update(tx, id, { title, description, status });
      if (variants.length > 0) await this.putVariants(tx, id, variants, product.variants);
      const after = presentProduct(await this.reread(tx, id));
      await this.record(tx, actor, 'product.updated', { before: presentProduct(product), after });
      this.forgetAfter(tx, after);
      return after;
    });
  }

  /** @throws notFound `product_not_found`; preconditionFailed `version_stale` */
  archive(actor: Actor, id: string, expectedVersion: number): Promise<void> {
    return this.deps.database.transaction(async (tx) => {
      const product = await this.lockVersion(tx, id, expectedVersion);
      if (product.status === 'archived') return;
      await this.deps.products.update(tx, id, { ...product, status: 'archived' });
      const after = presentProduct(await this.reread(tx, id));
      await this.record(tx, actor, 'product.archived', { before: presentProduct(product), after });
      this.forgetAfter(tx, after);
    });
  }

  /** In these versions, or in later ones. */
  private async viewsOf(products: ProductVersion[]): Promise<ProductView[]> {
    const { views } = this.deps;
    const ids = products.map(({ id }) => id);
    const read = (missing: string[]) => this.readAll(missing);
    const recalled = await views.findAll(ids, read);
    const outdated = products.filter(({ version }, i) => (recalled[i]?.version ?? 0) < version);
    if (outdated.length === 0) return recalled;
    for (const { id } of outdated) views.forget(id);
    return views.findAll(ids, read);
  }

  private async readAll(ids: string[]): Promise<ProductView[]> {
    const rows = await this.deps.products.findAll(this.deps.database, ids);
    const byId = new Map(rows.map((row) => [row.id, row]));
    return ids.map((id) => {
      const row = byId.get(id);
      if (row === undefined) throw new Error(`product ${id} vanished, which none does`);
      return presentProduct(row);
    });
  }

  /** @throws notFound `product_not_found`, which is not remembered: made-up ids crowd out nothing. */
  private async read(id: string): Promise<ProductView> {
    const product = await this.deps.products.find(this.deps.database, id);
    if (product === null) throw productNotFound();
    return presentProduct(product);
  }

  /** A known SKU keeps its id, and its title and tax rate when they are absent; every new one gets a level of 0. */
  private async putVariants(
    tx: Transaction,
    productId: string,
    variants: NonNullable<PatchProduct['variants']>,
    known: ProductRow['variants'],
  ): Promise<void> {
    const rows = variants.map(({ sku, title, price, taxRateBps }) => {
      const before = known.find((one) => one.sku === sku);
      return {
        id: before?.id ?? newId(),
        sku,
        title: title === undefined ? (before?.title ?? null) : title,
        price,
        taxRateBps: taxRateBps ?? before?.taxRateBps ?? 0,
      };
    });
    const taken = await this.deps.products.upsertVariants(tx, productId, rows);
    if (taken.length > 0) throw skuTaken(variants, taken);
    await this.deps.stock.insertLevels(
      tx,
      rows.map(({ sku }) => sku),
    );
  }

  /** Its stock, too: catalog.reserve_all looks at prices while it holds those rows, so no order takes an old price once we have answered. */
  private async lockVersion(tx: Transaction, id: string, expectedVersion: number): Promise<ProductRow> {
    const product = await this.deps.products.lock(tx, id);
    if (product === null) throw productNotFound();
    if (product.version !== expectedVersion)
      throw preconditionFailed('version_stale', 'The product was changed after you read it.');
    await this.deps.stock.lock(
      tx,
      product.variants.map(({ sku }) => sku),
    );
    return product;
  }

  private forgetAfter(tx: Transaction, { id, variants }: ProductView): void {
    tx.afterCommit(() => {
      this.deps.views.forget(id);
      for (const { sku } of variants) this.deps.offers.forget(sku);
    });
  }

  private record(
    tx: Transaction,
    actor: Actor,
    action: string,
    views: { before?: ProductView; after: ProductView },
  ): Promise<void> {
    return this.deps.audit.record(tx, { actor, action, subject: { type: 'product', id: views.after.id }, ...views });
  }

  private async reread(tx: Transaction, id: string): Promise<ProductRow> {
    const product = await this.deps.products.find(tx, id);
    if (product === null) throw new Error(`product ${id} vanished in its own transaction`);
    return product;
  }
}

const productNotFound = () => notFound('product_not_found', 'There is no such product.');

function skuTaken(variants: { sku: string }[], taken: string[]) {
  const message = 'This SKU belongs to another product.';
  const faults = variants.flatMap(({ sku }, i) => (taken.includes(sku) ? [faultAt(i, 'sku_taken', message)] : []));
  return conflict('sku_taken', message, { faults });
}
