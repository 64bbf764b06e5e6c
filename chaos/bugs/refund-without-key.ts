// A planted bug that the crash matrix must find: each time the provider is asked for a refund, it is asked for another one.
import { randomUUID } from 'node:crypto';
import { createPayments } from '../../modules/payments/index.ts';

type Refund = (refund: { refundId: string }, ...more: unknown[]) => Promise<unknown>;

const { provider } = createPayments({ provider: {} } as never);
const prototype = Object.getPrototypeOf(provider) as { refund: Refund };
const { refund } = prototype;

prototype.refund = function refundAnew(request, ...more) {
  return refund.call(this, { ...request, refundId: randomUUID() }, ...more);
};
