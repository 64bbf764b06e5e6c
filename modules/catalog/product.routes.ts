// The API of products at a glance.
import { route, type Route } from '../../shared/http/route.ts';
import type { ProductController } from './product.controller.ts';
import { archiveProduct, createProduct, getProduct, listProducts, patchProduct } from './product.validation.ts';

export const productRoutes = (products: ProductController): Route[] => [
  route('get', '/products', 'anyone', listProducts, products.getProducts),
  route('get', '/products/{id}', 'anyone', getProduct, products.getProduct),
  route('post', '/products', ['products:write'], createProduct, products.postProduct),
  route('patch', '/products/{id}', ['products:write'], patchProduct, products.patchProduct),
  route('delete', '/products/{id}', ['products:write'], archiveProduct, products.deleteProduct),
];
