// Every fact that one module tells and another may hear, with its schema: the published language between modules.
import { z } from 'zod';

const order = z.object({ orderId: z.uuid(), customerId: z.uuid() });
const money = z.object({ amount: z.int(), currency: z.string() });

/** The key is the type; names are past tense and stable, fields are only ever added. */
export const facts = {
  'order.placed': order.extend({ number: z.string(), total: money }),
  'order.confirmed': order.extend({ paymentStatus: z.string() }),
  'order.expired': order,
  'order.cancelled': order.extend({ reason: z.string().nullable() }),
  'order.fulfilled': order,
  'order.completed': order,
  'fulfillment.created': order.extend({ fulfillmentId: z.uuid() }),
  'payment.authorized': z.object({ paymentId: z.uuid(), orderId: z.uuid(), amount: money }),
  'payment.captured': z.object({ paymentId: z.uuid(), orderId: z.uuid(), amount: money }),
  'payment.declined': z.object({ paymentId: z.uuid(), orderId: z.uuid(), amount: money }),
  'payment.voided': z.object({ paymentId: z.uuid(), orderId: z.uuid(), amount: money }),
  /** Of one refund; without `refundId` somebody gave it back in the provider's house. */
  'payment.refunded': z.object({
    paymentId: z.uuid(),
    orderId: z.uuid(),
    amount: money,
    refundId: z.uuid().optional(),
  }),
  'payment.orphaned': z.object({ paymentId: z.uuid(), orderId: z.uuid(), amount: money }),
  'user.registered': z.object({ userId: z.uuid() }),
  /** null: nobody has the address that was given; told all the same, so that nobody can tell by the time it takes. */
  'user.password_reset_requested': z.object({ userId: z.uuid().nullable() }),
} as const satisfies Record<string, z.ZodObject>;

export type FactType = keyof typeof facts;
export type Payload<Type extends FactType> = z.output<(typeof facts)[Type]>;
