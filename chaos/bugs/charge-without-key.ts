// A planted bug that the crash matrix must find: the provider is not given our payment's id as its key, and its own is remembered in memory only.
import { randomUUID } from 'node:crypto';
import { createPayments } from '../../modules/payments/index.ts';

type Method = (paymentId: string, ...more: unknown[]) => Promise<unknown>;
type Authorize = (authorization: { paymentId: string }, ...more: unknown[]) => Promise<unknown>;
type Refund = (refund: { paymentId: string }, ...more: unknown[]) => Promise<unknown>;

const chargeIds = new Map<string, string>();
const { provider } = createPayments({ provider: {} } as never);
const prototype = Object.getPrototypeOf(provider) as {
  authorize: Authorize;
  refund: Refund;
  fetch: Method;
  capture: Method;
  void: Method;
};
const { authorize, refund, fetch, capture, void: voids } = prototype;

const chargeIdOf = (paymentId: string): string => chargeIds.get(paymentId) ?? paymentId;

prototype.authorize = function chargeAnew(authorization, ...more) {
  const chargeId = randomUUID();
  chargeIds.set(authorization.paymentId, chargeId);
  return authorize.call(this, { ...authorization, paymentId: chargeId }, ...more);
};
prototype.refund = function (request, ...more) {
  return refund.call(this, { ...request, paymentId: chargeIdOf(request.paymentId) }, ...more);
};
prototype.fetch = function (paymentId, ...more) {
  return fetch.call(this, chargeIdOf(paymentId), ...more);
};
prototype.capture = function (paymentId, ...more) {
  return capture.call(this, chargeIdOf(paymentId), ...more);
};
prototype.void = function (paymentId, ...more) {
  return voids.call(this, chargeIdOf(paymentId), ...more);
};
