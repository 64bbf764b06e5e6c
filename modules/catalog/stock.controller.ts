// From a request about stock to one call of the service, and from its answer to HTTP.
import { created, okPage, replaying } from '../../shared/http/reply.ts';
import type { Handler } from '../../shared/http/route.ts';
import type { StockService } from './stock.service.ts';
import type { adjustStock, listStock, listStockMovements } from './stock.validation.ts';

export class StockController {
  private readonly stock: StockService;

  constructor(stock: StockService) {
    this.stock = stock;
  }

  readonly getStock: Handler<typeof listStock> = async ({ query }) => okPage(await this.stock.list(query));

  readonly getMovements: Handler<typeof listStockMovements> = async ({ query }) =>
    okPage(await this.stock.listMovements(query));

  readonly postAdjustment: Handler<typeof adjustStock> = async ({ actor, body, idempotencyKey }) => {
    const outcome = await this.stock.adjust(actor, body, idempotencyKey);
    return replaying(created(outcome.result, `/stock?sku=${encodeURIComponent(outcome.result.sku)}`), outcome);
  };
}
