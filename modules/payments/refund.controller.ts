// Requests about refunds: one service call each.
import { created, okPage, replaying } from '../../shared/http/reply.ts';
import type { Handler } from '../../shared/http/route.ts';
import { PAGE_LIMIT_DEFAULT } from '../../shared/http/schemas.ts';
import type { RefundService } from './refund.service.ts';
import type { createRefund, listRefunds } from './refund.validation.ts';

export class RefundController {
  private readonly refunds: RefundService;

  constructor(refunds: RefundService) {
    this.refunds = refunds;
  }

  readonly postRefund: Handler<typeof createRefund> = async ({ actor, params, body, idempotencyKey }) => {
    const outcome = await this.refunds.refund(actor, params.id, body, idempotencyKey);
    const reply = created(outcome.result, `/orders/${params.id}/refunds`);
    const isDecided = outcome.result.status === 'succeeded';
    return replaying(isDecided ? reply : { ...reply, status: 202 }, outcome);
  };

  readonly getRefunds: Handler<typeof listRefunds> = async ({ actor, params, query }) => {
    const { limit = PAGE_LIMIT_DEFAULT, cursor } = query;
    return okPage(await this.refunds.list(actor, params.id, { limit, cursor }));
  };
}
