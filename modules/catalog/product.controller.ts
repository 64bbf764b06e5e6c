// From a product's request to one call of the service, and from its answer to HTTP.
import type { Actor } from '../../shared/http/actor.ts';
import { created, noContent, okReady, okReadyPage, okVersioned, type Reply } from '../../shared/http/reply.ts';
import type { Handler } from '../../shared/http/route.ts';
import type { ProductService } from './product.service.ts';
import type { archiveProduct, createProduct, getProduct, listProducts, patchProduct } from './product.validation.ts';

export class ProductController {
  private readonly products: ProductService;

  constructor(products: ProductService) {
    this.products = products;
  }

  readonly getProducts: Handler<typeof listProducts, 'anyone'> = async ({ actor, query }) =>
    cacheable(actor, okReadyPage(await this.products.list(actor, query)));

  readonly getProduct: Handler<typeof getProduct, 'anyone'> = async ({ actor, params }) =>
    cacheable(actor, okReady(await this.products.get(actor, params.id)));

  readonly postProduct: Handler<typeof createProduct> = async ({ actor, body }) => {
    const product = await this.products.create(actor, body);
    return created(product, `/products/${product.id}`);
  };

  readonly patchProduct: Handler<typeof patchProduct> = async ({ actor, params, body, ifMatch }) =>
    okVersioned(await this.products.patch(actor, params.id, ifMatch, body));

  readonly deleteProduct: Handler<typeof archiveProduct> = async ({ actor, params, ifMatch }) => {
    await this.products.archive(actor, params.id, ifMatch);
    return noContent();
  };
}

/** What everybody may see may be kept by caches for a while; what staff see may not. */
const cacheable = (actor: Actor | null, reply: Reply): Reply =>
  actor === null ? { ...reply, headers: { ...reply.headers, 'Cache-Control': 'public, max-age=30' } } : reply;
