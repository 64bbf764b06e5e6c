// What payments hear: an order that is not to be paid any more, one that was sent, and money that belongs to nobody.
import { subscription, type Subscription } from '../../shared/events/dispatcher.ts';
import type { PaymentService } from './payment.service.ts';

export const paymentSubscriptions = (payments: PaymentService): Subscription[] => [
  subscription('payments', 'order.cancelled', ({ payload }) =>
    payments.giveBackAllOf(payload.orderId, 'order_cancelled'),
  ),
  subscription('payments', 'order.expired', ({ payload }) => payments.giveBackAllOf(payload.orderId, 'order_expired')),
  subscription('payments', 'order.fulfilled', ({ payload }) => payments.captureAllOf(payload.orderId)),
  subscription('payments', 'payment.orphaned', ({ payload }) => payments.giveBack(payload.paymentId)),
];
