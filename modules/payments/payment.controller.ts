// Requests about payments: one service call each.
import {
  API_BASE_PATH,
  created,
  noContent,
  ok,
  okPage,
  okVersioned,
  replaying,
  type Reply,
} from '../../shared/http/reply.ts';
import type { Handler } from '../../shared/http/route.ts';
import { PAGE_LIMIT_DEFAULT } from '../../shared/http/schemas.ts';
import type { PaymentService } from './payment.service.ts';
import type {
  capturePayment,
  confirmPayment,
  createPayment,
  getPayment,
  listPayments,
  receiveEvent,
  voidPayment,
} from './payment.validation.ts';
import type { PaymentView } from './payment.view.ts';

export class PaymentController {
  private readonly payments: PaymentService;

  constructor(payments: PaymentService) {
    this.payments = payments;
  }

  readonly postPayment: Handler<typeof createPayment> = async ({ actor, params, body, idempotencyKey }) => {
    const outcome = await this.payments.pay(actor, params.id, body, idempotencyKey);
    const reply = isUnderWay(outcome.result)
      ? accepted(outcome.result)
      : created(outcome.result, pathOf(outcome.result));
    return replaying(reply, outcome);
  };

  readonly getPayments: Handler<typeof listPayments> = async ({ actor, params, query }) => {
    const { limit = PAGE_LIMIT_DEFAULT, cursor } = query;
    return okPage(await this.payments.list(actor, params.id, { limit, cursor }));
  };

  readonly getPayment: Handler<typeof getPayment> = async ({ actor, params }) =>
    okVersioned(await this.payments.find(actor, params.id));

  readonly postConfirmation: Handler<typeof confirmPayment> = async ({ actor, params, idempotencyKey }) => {
    const outcome = await this.payments.confirm(actor, params.id, idempotencyKey);
    return replaying(okVersioned(outcome.result), outcome);
  };

  readonly postCapture: Handler<typeof capturePayment> = async ({ actor, params, idempotencyKey }) => {
    const outcome = await this.payments.capture(actor, params.id, idempotencyKey);
    return replaying(okVersioned(outcome.result), outcome);
  };

  readonly postVoid: Handler<typeof voidPayment> = async ({ actor, params, idempotencyKey }) => {
    const outcome = await this.payments.void(actor, params.id, idempotencyKey);
    return replaying(okVersioned(outcome.result), outcome);
  };

  readonly postEvent: Handler<typeof receiveEvent, 'public'> = async ({ params, body, headers }) => {
    await this.payments.receiveEvent(params.provider, body, headers);
    return noContent();
  };
}

const isUnderWay = ({ status }: PaymentView): boolean => status === 'processing' || status === 'requires_action';

const pathOf = ({ id }: PaymentView): string => `/payments/${id}`;

const accepted = (payment: PaymentView): Reply => ({
  ...ok(payment, { Location: `${API_BASE_PATH}${pathOf(payment)}` }),
  status: 202,
});
