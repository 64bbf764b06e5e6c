// The API of payments at a glance.
import { route, type Route } from '../../shared/http/route.ts';
import type { PaymentController } from './payment.controller.ts';
import {
  capturePayment,
  confirmPayment,
  createPayment,
  getPayment,
  listPayments,
  receiveEvent,
  voidPayment,
} from './payment.validation.ts';

export const paymentRoutes = (payments: PaymentController): Route[] => [
  route('get', '/orders/{id}/payments', ['orders:own', 'orders:read'], listPayments, payments.getPayments),
  route('post', '/orders/{id}/payments', ['orders:own'], createPayment, payments.postPayment),
  route('post', '/payments/webhooks/{provider}', 'public', receiveEvent, payments.postEvent),
  route('get', '/payments/{id}', ['orders:own', 'orders:read'], getPayment, payments.getPayment),
  route('post', '/payments/{id}/confirmation', ['orders:own'], confirmPayment, payments.postConfirmation),
  route('post', '/payments/{id}/capture', ['payments:capture'], capturePayment, payments.postCapture),
  route('post', '/payments/{id}/void', ['payments:void'], voidPayment, payments.postVoid),
];
