// From an order's request to one call of the service, and from its answer to HTTP.
import type { Handler } from '../../shared/http/route.ts';
import { created, ok, okPage, okVersioned, replaying } from '../../shared/http/reply.ts';
import type { OrderService } from './order.service.ts';
import type { cancelOrder, getOrder, listOrders, placeOrder, quoteOrder } from './order.validation.ts';

export class OrderController {
  private readonly orders: OrderService;

  constructor(orders: OrderService) {
    this.orders = orders;
  }

  readonly postQuote: Handler<typeof quoteOrder> = async ({ body }) => ok(await this.orders.quote(body));

  readonly postOrder: Handler<typeof placeOrder> = async ({ actor, body, idempotencyKey }) => {
    const outcome = await this.orders.place(actor, body, idempotencyKey);
    return replaying(created(outcome.result, `/orders/${outcome.result.id}`), outcome);
  };

  readonly getOrders: Handler<typeof listOrders> = async ({ actor, query }) =>
    okPage(await this.orders.list(actor, query));

  readonly getOrder: Handler<typeof getOrder> = async ({ actor, params }) =>
    okVersioned(await this.orders.get(actor, params.id));

  readonly postCancellation: Handler<typeof cancelOrder> = async ({ actor, params, body, idempotencyKey }) => {
    const outcome = await this.orders.cancel(actor, params.id, body, idempotencyKey);
    return replaying(okVersioned(outcome.result), outcome);
  };
}
