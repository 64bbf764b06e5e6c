// From a fulfillment's request to one call of the service, and from its answer to HTTP.
import { created, ok, okPage, replaying } from '../../shared/http/reply.ts';
import type { Handler } from '../../shared/http/route.ts';
import type { FulfillmentService } from './fulfillment.service.ts';
import type { deliverFulfillment, fulfilOrder, listFulfillments } from './fulfillment.validation.ts';

export class FulfillmentController {
  private readonly fulfillments: FulfillmentService;

  constructor(fulfillments: FulfillmentService) {
    this.fulfillments = fulfillments;
  }

  readonly postFulfillment: Handler<typeof fulfilOrder> = async ({ actor, params, body, idempotencyKey }) => {
    const outcome = await this.fulfillments.fulfil(actor, params.id, body, idempotencyKey);
    return replaying(created(outcome.result, `/orders/${params.id}/fulfillments`), outcome);
  };

  readonly getFulfillments: Handler<typeof listFulfillments> = async ({ actor, params, query }) =>
    okPage(await this.fulfillments.list(actor, params.id, query));

  readonly postDelivery: Handler<typeof deliverFulfillment> = async ({ actor, params, idempotencyKey }) => {
    const outcome = await this.fulfillments.deliver(actor, params.id, idempotencyKey);
    return replaying(ok(outcome.result), outcome);
  };
}
