// What is killed: each scenario prepares an order, names the one request under test, and says how everything must stand in the end.
import { must, post, type Call } from './client.ts';
import type { Sql } from './sql.ts';

export type Outcome = {
  /** Of the request and of every retry. */
  answer: number;
  order: { status: string; paymentStatus: string };
  /** The facts told about the order, in their order. */
  facts: string[];
  steps: string[];
  /** In the provider's books; null: it was never charged. */
  charge: 'authorized' | 'captured' | 'voided' | 'refunded' | 'declined' | null;
  /** In minor units; what is refunded was given back in one refund. */
  captured: number;
  refunded: number;
  /** Pieces that are reserved, and pieces that were sent and are not back. */
  reserved: number;
  away: number;
};

export type Scenario = {
  name: string;
  /** Who sends the request under test. */
  by: 'customer' | 'admin' | 'provider';
  prepare: (stage: Stage) => Promise<Call>;
  /** So many other customers order the same at the same moment. */
  company?: number;
  outcome: Outcome;
};

/** Two of 10.00 EUR and 19 % tax. */
export const QUANTITY = 2;
export const TOTAL = 2380;

type Props = { url: string; token: string; adminToken: string; sku: string; note: string; sql: Sql };

/** Where a scenario is set up: one server, one customer, one SKU of its own. */
export class Stage {
  private readonly url: string;
  private readonly token: string;
  private readonly adminToken: string;
  private readonly sku: string;
  private readonly note: string;
  private readonly sql: Sql;

  constructor({ url, token, adminToken, sku, note, sql }: Props) {
    this.url = url;
    this.token = token;
    this.adminToken = adminToken;
    this.sku = sku;
    this.note = note;
    this.sql = sql;
  }

  /** The note is how the order is found again when nobody was told its id. */
  get placing(): Call {
    return { path: '/orders', body: { lines: [{ sku: this.sku, quantity: QUANTITY }], note: this.note } };
  }

  place(): Promise<string> {
    return this.send(this.placing);
  }

  pay(orderId: string, capture: boolean, token = 'tok_ok'): Promise<string> {
    return this.send(paying(orderId, { token, capture }));
  }

  fulfil(orderId: string): Promise<string> {
    return this.send(fulfilling(orderId), this.adminToken);
  }

  async lineOf(orderId: string): Promise<string> {
    const [line] = await this.sql<{ id: string }>('SELECT id FROM orders.lines WHERE order_id = $1', [orderId]);
    return line?.id ?? 'none';
  }

  /** The customer has approved, and the provider has not told yet. */
  async approve(paymentId: string): Promise<void> {
    const approval = `UPDATE payments.test_provider_charges SET status = 'captured', captured_minor = amount_minor WHERE id = $1`;
    await this.sql(approval, [paymentId]);
  }

  private async send(call: Call, token = this.token): Promise<string> {
    const { data } = await must(post(this.url, call, { token, key: crypto.randomUUID() }));
    return String(data['id']);
  }
}

const paying = (
  orderId: string,
  { token = 'tok_ok', capture = true }: { token?: string; capture?: boolean },
): Call => ({
  path: `/orders/${orderId}/payments`,
  body: { token, capture },
});

const cancelling = (orderId: string): Call => ({
  path: `/orders/${orderId}/cancellation`,
  body: { reason: 'Changed my mind' },
});

const fulfilling = (orderId: string): Call => ({ path: `/orders/${orderId}/fulfillments`, body: {} });

const refunding = (orderId: string, wish: object): Call => ({
  path: `/orders/${orderId}/refunds`,
  body: { reason: 'Arrived broken', ...wish },
});

/** Each time it is told, it is the same event. */
const telling = (paymentId: string): Call => {
  const amounts = { amountMinor: TOTAL, capturedMinor: TOTAL, refundedMinor: 0 };
  const charge = { id: paymentId, status: 'captured', ...amounts, declineReason: null };
  return {
    path: '/payments/webhooks/test',
    body: { id: `evt_${paymentId}`, type: 'charge.updated', charge },
    isEvent: true,
  };
};

const placed = ['order.placed'];
const authorized = ['order.placed', 'order.confirmed', 'payment.authorized'];
const captured = ['order.placed', 'order.confirmed', 'payment.captured'];
const sent = ['fulfillment.created', 'order.fulfilled'];

export const scenarios: Scenario[] = [
  {
    name: 'place',
    by: 'customer',
    prepare: async (stage) => stage.placing,
    outcome: {
      answer: 201,
      order: { status: 'pending_payment', paymentStatus: 'unpaid' },
      facts: placed,
      steps: ['place'],
      charge: null,
      captured: 0,
      refunded: 0,
      reserved: QUANTITY,
      away: 0,
    },
  },
  {
    name: 'place in company',
    by: 'customer',
    company: 4,
    prepare: async (stage) => stage.placing,
    outcome: {
      answer: 201,
      order: { status: 'pending_payment', paymentStatus: 'unpaid' },
      facts: placed,
      steps: ['place'],
      charge: null,
      captured: 0,
      refunded: 0,
      reserved: QUANTITY * 5,
      away: 0,
    },
  },
  {
    name: 'pay',
    by: 'customer',
    prepare: async (stage) => paying(await stage.place(), {}),
    outcome: {
      answer: 201,
      order: { status: 'confirmed', paymentStatus: 'paid' },
      facts: captured,
      steps: ['place', 'confirm'],
      charge: 'captured',
      captured: TOTAL,
      refunded: 0,
      reserved: QUANTITY,
      away: 0,
    },
  },
  {
    name: 'pay, authorise only',
    by: 'customer',
    prepare: async (stage) => paying(await stage.place(), { capture: false }),
    outcome: {
      answer: 201,
      order: { status: 'confirmed', paymentStatus: 'authorized' },
      facts: authorized,
      steps: ['place', 'confirm'],
      charge: 'authorized',
      captured: 0,
      refunded: 0,
      reserved: QUANTITY,
      away: 0,
    },
  },
  {
    name: 'pay, declined',
    by: 'customer',
    prepare: async (stage) => paying(await stage.place(), { token: 'tok_declined' }),
    outcome: {
      answer: 402,
      order: { status: 'pending_payment', paymentStatus: 'unpaid' },
      facts: [...placed, 'payment.declined'],
      steps: ['place'],
      charge: 'declined',
      captured: 0,
      refunded: 0,
      reserved: QUANTITY,
      away: 0,
    },
  },
  {
    name: 'cancel, unpaid',
    by: 'customer',
    prepare: async (stage) => cancelling(await stage.place()),
    outcome: {
      answer: 200,
      order: { status: 'cancelled', paymentStatus: 'unpaid' },
      facts: [...placed, 'order.cancelled'],
      steps: ['place', 'cancel'],
      charge: null,
      captured: 0,
      refunded: 0,
      reserved: 0,
      away: 0,
    },
  },
  {
    name: 'cancel, authorised',
    by: 'customer',
    prepare: async (stage) => {
      const orderId = await stage.place();
      await stage.pay(orderId, false);
      return cancelling(orderId);
    },
    outcome: {
      answer: 200,
      order: { status: 'cancelled', paymentStatus: 'voided' },
      facts: [...authorized, 'order.cancelled', 'payment.voided'],
      steps: ['place', 'confirm', 'cancel'],
      charge: 'voided',
      captured: 0,
      refunded: 0,
      reserved: 0,
      away: 0,
    },
  },
  {
    name: 'cancel, paid',
    by: 'customer',
    prepare: async (stage) => {
      const orderId = await stage.place();
      await stage.pay(orderId, true);
      return cancelling(orderId);
    },
    outcome: {
      answer: 200,
      order: { status: 'cancelled', paymentStatus: 'refunded' },
      facts: [...captured, 'order.cancelled', 'payment.refunded'],
      steps: ['place', 'confirm', 'cancel'],
      charge: 'refunded',
      captured: TOTAL,
      refunded: TOTAL,
      reserved: 0,
      away: 0,
    },
  },
  {
    name: 'void',
    by: 'admin',
    prepare: async (stage) => ({ path: `/payments/${await stage.pay(await stage.place(), false)}/void`, body: {} }),
    outcome: {
      answer: 200,
      order: { status: 'confirmed', paymentStatus: 'voided' },
      facts: [...authorized, 'payment.voided'],
      steps: ['place', 'confirm'],
      charge: 'voided',
      captured: 0,
      refunded: 0,
      reserved: QUANTITY,
      away: 0,
    },
  },
  {
    name: 'capture',
    by: 'admin',
    prepare: async (stage) => ({ path: `/payments/${await stage.pay(await stage.place(), false)}/capture`, body: {} }),
    outcome: {
      answer: 200,
      order: { status: 'confirmed', paymentStatus: 'paid' },
      facts: [...authorized, 'payment.captured'],
      steps: ['place', 'confirm'],
      charge: 'captured',
      captured: TOTAL,
      refunded: 0,
      reserved: QUANTITY,
      away: 0,
    },
  },
  {
    name: 'fulfil, authorised',
    by: 'admin',
    prepare: async (stage) => {
      const orderId = await stage.place();
      await stage.pay(orderId, false);
      return fulfilling(orderId);
    },
    outcome: {
      answer: 201,
      order: { status: 'fulfilled', paymentStatus: 'paid' },
      facts: [...authorized, ...sent, 'payment.captured'],
      steps: ['place', 'confirm', 'fulfil'],
      charge: 'captured',
      captured: TOTAL,
      refunded: 0,
      reserved: 0,
      away: QUANTITY,
    },
  },
  {
    name: 'refund, all',
    by: 'admin',
    prepare: async (stage) => {
      const orderId = await stage.place();
      await stage.pay(orderId, true);
      return refunding(orderId, {});
    },
    outcome: {
      answer: 201,
      order: { status: 'confirmed', paymentStatus: 'refunded' },
      facts: [...captured, 'payment.refunded'],
      steps: ['place', 'confirm'],
      charge: 'refunded',
      captured: TOTAL,
      refunded: TOTAL,
      reserved: QUANTITY,
      away: 0,
    },
  },
  {
    name: 'refund, restock',
    by: 'admin',
    prepare: async (stage) => {
      const orderId = await stage.place();
      await stage.pay(orderId, true);
      await stage.fulfil(orderId);
      return refunding(orderId, { lines: [{ lineId: await stage.lineOf(orderId), quantity: 1 }], restock: true });
    },
    outcome: {
      answer: 201,
      order: { status: 'fulfilled', paymentStatus: 'partially_refunded' },
      facts: [...captured, ...sent, 'payment.refunded'],
      steps: ['place', 'confirm', 'fulfil'],
      charge: 'captured',
      captured: TOTAL,
      refunded: TOTAL / 2,
      reserved: 0,
      away: QUANTITY - 1,
    },
  },
  {
    name: 'webhook',
    by: 'provider',
    prepare: async (stage) => {
      const paymentId = await stage.pay(await stage.place(), true, 'tok_requires_action');
      await stage.approve(paymentId);
      return telling(paymentId);
    },
    outcome: {
      answer: 204,
      order: { status: 'confirmed', paymentStatus: 'paid' },
      facts: captured,
      steps: ['place', 'confirm'],
      charge: 'captured',
      captured: TOTAL,
      refunded: 0,
      reserved: QUANTITY,
      away: 0,
    },
  },
];
