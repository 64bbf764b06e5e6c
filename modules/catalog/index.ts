// The face of the catalogue: what app.ts plugs in, and what it gets.
import type { Caches } from '../../shared/cache/caches.ts';
import type { Database } from '../../shared/database/database.ts';
import type { MigrationSource } from '../../shared/database/migrate.ts';
import type { Audit } from '../../shared/domain/audit.ts';
import type { Idempotency } from '../../shared/idempotency/idempotency.ts';
import { catalogErrorPages } from './catalog.errors.ts';
import { ProductController } from './product.controller.ts';
import { ProductRepository } from './product.repository.ts';
import { productRoutes } from './product.routes.ts';
import { ProductService } from './product.service.ts';
import { stockChecks } from './stock.doctor.ts';
import { StockController } from './stock.controller.ts';
import { StockRepository } from './stock.repository.ts';
import { stockRoutes } from './stock.routes.ts';
import { StockService } from './stock.service.ts';

export const catalogMigrations: MigrationSource = {
  schema: 'catalog',
  directory: new URL('./migrations/', import.meta.url),
};

type Deps = { database: Database; caches: Caches; idempotency: Idempotency; audit: Audit };

/** Others tell of a change (migrations/0008_offers.sql); five minutes bound what a lost word could do. */
const ttlMs = 5 * 60_000;
const VIEWS = { name: 'products', max: 1000, ttlMs };
const OFFERS = { name: 'offers', max: 10_000, ttlMs };

/** The SQL half of this face is catalog.reserve_all: see migrations/0007_together.sql. */
export function createCatalog({ database, caches, idempotency, audit }: Deps) {
  const stockRepository = new StockRepository();
  const service = new ProductService({
    database,
    products: new ProductRepository(),
    stock: stockRepository,
    audit,
    views: caches.make(VIEWS),
    offers: caches.make(OFFERS),
  });
  const stock = new StockService({ database, idempotency, stock: stockRepository, audit });
  return {
    name: 'catalog',
    about: 'Products, their prices, and the stock of them',
    service,
    stock,
    routes: [...productRoutes(new ProductController(service)), ...stockRoutes(new StockController(stock))],
    jobs: [],
    checks: stockChecks(stock),
    subscriptions: [],
    errorPages: catalogErrorPages,
  };
}
