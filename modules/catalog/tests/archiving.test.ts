// Archiving a product: it is no longer sold, but nothing about it is lost.
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { newId } from '../../../shared/domain/ids.ts';
import { startTestApp, type Person, type TestApp } from '../../../tests/support/app.ts';
import { ProductRepository } from '../product.repository.ts';
import {
  connect,
  euros,
  everything,
  expectFault,
  ifMatch,
  levelOf,
  line,
  reserve,
  type ProductAnswer,
} from './support.ts';

let app: TestApp;
let seller: Person;

beforeAll(async () => {
  app = await startTestApp();
  seller = await app.signIn({ role: 'catalog' });
});
afterEach(() => void vi.restoreAllMocks());
afterAll(() => app.close());

const address = (id: string) => `/api/v1/products/${id}`;
const archive = (id: string, version: number) => app.api.delete(address(id)).set(seller.auth).set(ifMatch(version));

describe('an archived product', () => {
  it('is gone for the public, and there for staff', async () => {
    const { productId } = await app.sellable();
    await archive(productId, 1).expect(204);
    expect((await app.api.get(address(productId)).expect(404)).body).toMatchObject({ code: 'product_not_found' });
    const { body } = await app.api.get('/api/v1/products?limit=100').expect(200);
    expect((body.data as ProductAnswer[]).map(({ id }) => id)).not.toContain(productId);
    const { body: staff } = await app.api.get(address(productId)).set(seller.auth).expect(200);
    expect(staff.data).toMatchObject({ status: 'archived', version: 2 });
  });

  it('is not on a page that was begun before it was archived', async () => {
    const { productId } = await app.sellable();
    // oxlint-disable-next-line typescript/unbound-method -- applied to the repository below
    const list = ProductRepository.prototype.list;
    vi.spyOn(ProductRepository.prototype, 'list').mockImplementationOnce(async function (
      this: ProductRepository,
      ...args
    ) {
      const found = await list.apply(this, args);
      await archive(productId, 1).expect(204);
      return found;
    });
    const { body } = await app.api.get('/api/v1/products?limit=100').expect(200);
    expect((body.data as ProductAnswer[]).map(({ id }) => id)).not.toContain(productId);
  });

  it('cannot be reserved, keeps its stock, and is told to orders as archived', async () => {
    const { productId, sku } = await app.sellable();
    await archive(productId, 1).expect(204);
    await using buyer = await connect(app, 'orders');
    expect(await reserve(buyer, [line(sku, 1)])).toEqual({ outcome: 'changed' });
    expect(await levelOf(app, sku)).toMatchObject({ onHand: 100, reserved: 0 });
    expect(await app.modules.catalog.service.findForSale([sku])).toMatchObject([{ sku, status: 'archived' }]);
  });

  it('keeps its SKUs', async () => {
    const { productId, sku } = await app.sellable();
    await archive(productId, 1).expect(204);
    const product = { title: 'Again', variants: [{ sku, price: euros(1) }] };
    await app.api.post('/api/v1/products').set(seller.auth).send(product).expect(409);
  });

  it('stays as it is when archived again, and can be brought back', async () => {
    const { productId } = await app.sellable();
    await archive(productId, 1).expect(204);
    const before = await everything(app);
    await archive(productId, 2).expect(204);
    expect((await archive(productId, 1).expect(412)).body).toMatchObject({ code: 'version_stale' });
    expect(await everything(app)).toEqual(before);
    await app.api.patch(address(productId)).set(seller.auth).set(ifMatch(2)).send({ status: 'active' }).expect(200);
    await app.api.get(address(productId)).expect(200);
  });
});

describe('archiving is refused', () => {
  it('without a version, at an old one, or for a product that is not there', async () => {
    const { productId } = await app.sellable();
    const before = await everything(app);
    expect((await app.api.delete(address(productId)).set(seller.auth).expect(428)).body).toMatchObject({
      code: 'if_match_required',
    });
    expect(
      (await app.api.delete(address(productId)).set(seller.auth).set('If-Match', 'seven').expect(400)).body,
    ).toMatchObject({ code: 'if_match_invalid' });
    expect((await archive(productId, 2).expect(412)).body).toMatchObject({ code: 'version_stale' });
    expect((await archive(newId(), 1).expect(404)).body).toMatchObject({ code: 'product_not_found' });
    expectFault((await archive('MUG', 1).expect(400)).body, '/path/id');
    expectFault(
      (
        await app.api
          .delete(`${address(productId)}?force=1`)
          .set(seller.auth)
          .set(ifMatch(1))
          .expect(400)
      ).body,
      '/query/force',
    );
    expect(await everything(app)).toEqual(before);
  });

  it('to all but the catalogue’s staff', async () => {
    const { productId } = await app.sellable();
    await app.api.delete(address(productId)).set(ifMatch(1)).expect(401);
    for (const role of ['customer', 'support', 'warehouse', 'finance']) {
      const { auth } = await app.signIn({ role });
      await app.api.delete(address(productId)).set(auth).set(ifMatch(1)).expect(403);
    }
    await app.api.get(address(productId)).expect(200);
  });
});
