// What is killed: each scenario prepares an order, names the one request under test, and says how everything must stand in the end.
import { must, post, type Call } from './client.ts';

export type Outcome = {
  /** Of the request and of every retry. */
  answer: number;
  order: { status: string; paymentStatus: string };
  /** The facts told about the order, in their order. */
  facts: string[];
  steps: string[];
  /** In the provider's books; null: it was never charged. */
  charge: 'authorized' | 'captured' | 'voided' | 'refunded' | 'declined' | null;
  onHold: boolean;
};

export type Scenario = {
  name: string;
  /** Who sends the request under test. */
  by: 'customer' | 'admin';
  prepare: (stage: Stage) => Promise<Call>;
  outcome: Outcome;
};

/** Two of 10.00 EUR and 19 % tax. */
export const QUANTITY = 2;
export const TOTAL = 2380;

/** Where a scenario is set up: one server, one customer, one SKU of its own. */
export class Stage {
  private readonly url: string;
  private readonly token: string;
  private readonly sku: string;
  private readonly note: string;

  constructor({ url, token, sku, note }: { url: string; token: string; sku: string; note: string }) {
    this.url = url;
    this.token = token;
    this.sku = sku;
    this.note = note;
  }

  /** The note is how the order is found again when nobody was told its id. */
  get placing(): Call {
    return { path: '/orders', body: { lines: [{ sku: this.sku, quantity: QUANTITY }], note: this.note } };
  }

  place(): Promise<string> {
    return this.send(this.placing);
  }

  pay(orderId: string, capture: boolean): Promise<string> {
    return this.send(paying(orderId, { capture }));
  }

  private async send(call: Call): Promise<string> {
    const { data } = await must(post(this.url, call, { token: this.token, key: crypto.randomUUID() }));
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

const placed = ['order.placed'];
const authorized = ['order.placed', 'order.confirmed', 'payment.authorized'];
const captured = ['order.placed', 'order.confirmed', 'payment.captured'];

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
      onHold: true,
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
      onHold: true,
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
      onHold: true,
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
      onHold: true,
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
      onHold: false,
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
      onHold: false,
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
      onHold: false,
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
      onHold: true,
    },
  },
];
