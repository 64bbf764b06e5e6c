// Plays Stripe over HTTP as it is documented: payment intents, refunds, idempotency, errors, and signed events.
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export const STRIPE_KEY = 'sk_test_onlyForTests0123456789';
export const STRIPE_WEBHOOK_SECRET = 'whsec_onlyForTests0123456789';

export type StripeIntent = {
  id: string;
  object: 'payment_intent';
  status: string;
  amount: number;
  amount_capturable: number;
  amount_received: number;
  currency: string;
  capture_method: string;
  client_secret: string;
  metadata: Record<string, string>;
  next_action: object | null;
  last_payment_error: object | null;
};
export type StripeRefund = {
  id: string;
  object: 'refund';
  amount: number;
  payment_intent: string;
  status: string;
  failure_reason?: string;
  metadata: Record<string, string>;
};

type Answer = { status: number; body: object };
type Asked = { method: string; path: string; params: URLSearchParams; key: string | undefined };
type Call = Asked & { body: string };

/** What goes wrong on the way; `after` means that Stripe did it and the answer is lost. */
type Fault = 'hangs' | 'hangs_after' | 'resets_after' | number;

/** https://docs.stripe.com/testing#cards, by PaymentMethod. */
const declines: Record<string, { code: string; decline_code?: string }> = {
  pm_card_visa_chargeDeclined: { code: 'card_declined', decline_code: 'generic_decline' },
  pm_card_visa_chargeDeclinedInsufficientFunds: { code: 'card_declined', decline_code: 'insufficient_funds' },
  pm_card_visa_chargeDeclinedLostCard: { code: 'card_declined', decline_code: 'lost_card' },
  pm_card_chargeDeclinedExpiredCard: { code: 'expired_card' },
};
const methods = new Set([
  'pm_card_visa',
  'pm_card_authenticationRequired',
  'pm_slow_to_settle',
  ...Object.keys(declines),
]);

export class StripeServer {
  url = '';
  readonly intents = new Map<string, StripeIntent>();
  readonly refunds = new Map<string, StripeRefund>();
  readonly asked: Asked[] = [];
  refundsBecome = 'succeeded';
  private readonly faults: { path: RegExp; fault: Fault }[] = [];
  private readonly keys = new Map<string, { call: string; answer: Answer | null }>();
  private readonly server = createServer((request, response) => void this.receive(request, response));
  private made = 0;

  async start(): Promise<this> {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    this.url = `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
    return this;
  }

  async stop(): Promise<void> {
    this.server.close();
    this.server.closeAllConnections();
    await once(this.server, 'close');
  }

  /** The next call of this path goes wrong. */
  failNext(path: RegExp, fault: Fault): void {
    this.faults.push({ path, fault });
  }

  /** A day has passed: keys may be forgotten. */
  forgetKeys(): void {
    this.keys.clear();
  }

  /** What the customer did on the bank's page, or what the network decided later. */
  decide(intentId: string, decision: 'approve' | 'decline'): void {
    const intent = this.intentOf(intentId);
    if (decision === 'approve') approve(intent);
    else refuse(intent, { code: 'payment_intent_authentication_failure' });
  }

  settleRefund(refundId: string, status: 'succeeded' | 'failed'): StripeRefund {
    const refund = [...this.refunds.values()].find(({ metadata }) => metadata['refundId'] === refundId);
    if (refund === undefined) throw new Error('no such refund');
    return Object.assign(refund, { status }, status === 'failed' && { failure_reason: 'expired_or_canceled_card' });
  }

  intentFor(paymentId: string): StripeIntent {
    const intent = [...this.intents.values()].find(({ metadata }) => metadata['paymentId'] === paymentId);
    if (intent === undefined) throw new Error('no such intent');
    return intent;
  }

  /** A body and its header, as they come to a webhook endpoint. */
  signedEvent(
    type: string,
    object: object,
    { id = `evt_${++this.made}`, secret = STRIPE_WEBHOOK_SECRET, at = Math.floor(Date.now() / 1000) } = {},
  ): { body: string; signature: string } {
    const event = { id, object: 'event', api_version: '2026-10-28.endive', type, livemode: false, data: { object } };
    const body = JSON.stringify(event);
    const mac = createHmac('sha256', secret).update(`${at}.${body}`).digest('hex');
    return { body, signature: `t=${at},v1=${mac}` };
  }

  private async receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { pathname, searchParams } = new URL(request.url ?? '', this.url);
    const { method = '' } = request;
    const body = Buffer.concat(chunks).toString();
    const header = request.headers['idempotency-key'];
    const params = method === 'POST' ? new URLSearchParams(body) : searchParams;
    const call: Call = { method, path: pathname, params, key: typeof header === 'string' ? header : undefined, body };
    this.asked.push(call);
    const index = this.faults.findIndex(({ path }) => path.test(`${method} ${pathname}`));
    const fault = index < 0 ? undefined : this.faults.splice(index, 1)[0]?.fault;
    if (fault === 'hangs') return;
    if (request.headers.authorization !== `Bearer ${STRIPE_KEY}`) return send(response, unauthorized);
    if (typeof fault === 'number') return send(response, failure(fault));
    const answer = this.answerOnce(call, response);
    if (fault === 'resets_after') request.socket.destroy();
    else if (fault !== 'hangs_after') send(response, answer);
  }

  /** https://docs.stripe.com/api/idempotent_requests: what began to be done is remembered, errors too. */
  private answerOnce(call: Call, response: ServerResponse): Answer {
    if (call.method !== 'POST' || call.key === undefined) return this.answer(call);
    const known = this.keys.get(call.key);
    const print = `${call.path} ${call.body}`;
    if (known !== undefined && known.call !== print) return keyReused;
    if (known?.answer) {
      response.setHeader('Idempotent-Replayed', 'true');
      return known.answer;
    }
    const answer = this.answer(call);
    // As it was told, not as the object becomes.
    const kept = structuredClone(answer);
    if (!isValidationError(answer)) this.keys.set(call.key, { call: print, answer: kept });
    return answer;
  }

  private answer({ method, path, params }: Call): Answer {
    const [, version, kind, id, step] = path.split('/');
    if (version !== 'v1') return missing('path');
    if (kind === 'refunds') return method === 'POST' ? this.refund(params) : this.listRefunds(params);
    if (kind !== 'payment_intents') return missing('path');
    if (id === undefined) return this.create(params);
    const intent = this.intents.get(id);
    if (intent === undefined) return missing('intent');
    if (step === 'confirm') return this.confirm(intent, params);
    if (step === 'capture') return capture(intent, params);
    if (step === 'cancel') return cancel(intent);
    return { status: 200, body: intent };
  }

  private create(params: URLSearchParams): Answer {
    const unknown = unknownParameter(params, createParameters);
    if (unknown !== null) return unknown;
    const amount = Number(params.get('amount'));
    const currency = params.get('currency') ?? '';
    if (!Number.isInteger(amount) || amount < 1) return invalid('parameter_invalid_integer', 'amount');
    if (currency !== currency.toLowerCase() || currency === 'xxx') return invalid('currency_not_supported', 'currency');
    if (amount < 50) return invalid('amount_too_small', 'amount');
    const id = `pi_${++this.made}`;
    const intent: StripeIntent = {
      id,
      object: 'payment_intent',
      status: 'requires_payment_method',
      amount,
      amount_capturable: 0,
      amount_received: 0,
      currency,
      capture_method: params.get('capture_method') ?? 'automatic_async',
      client_secret: `${id}_secret_canary`,
      metadata: metadataOf(params),
      next_action: null,
      last_payment_error: null,
    };
    this.intents.set(id, intent);
    return { status: 200, body: intent };
  }

  private confirm(intent: StripeIntent, params: URLSearchParams): Answer {
    const unknown = unknownParameter(params, ['payment_method', 'return_url']);
    if (unknown !== null) return unknown;
    if (!['requires_payment_method', 'requires_confirmation'].includes(intent.status)) return unexpectedState(intent);
    const method = params.get('payment_method') ?? '';
    if (!methods.has(method))
      return invalid('resource_missing', 'payment_method', `No such PaymentMethod: '${method}'`);
    const decline = declines[method];
    if (decline !== undefined) return refuse(intent, decline);
    if (method === 'pm_slow_to_settle') intent.status = 'processing';
    else if (method === 'pm_card_authenticationRequired') this.askCustomer(intent, params);
    else approve(intent);
    return { status: 200, body: intent };
  }

  private askCustomer(intent: StripeIntent, params: URLSearchParams): void {
    const redirect = { url: `https://hooks.stripe.example/3ds/${intent.id}`, return_url: params.get('return_url') };
    Object.assign(intent, {
      status: 'requires_action',
      next_action: { type: 'redirect_to_url', redirect_to_url: redirect },
    });
  }

  private refund(params: URLSearchParams): Answer {
    const intent = this.intents.get(params.get('payment_intent') ?? '');
    if (intent === undefined) return missing('payment_intent');
    if (intent.status !== 'succeeded') return invalid('charge_not_refundable', 'payment_intent');
    const amount = Number(params.get('amount'));
    const gone = this.refundsOf(intent.id).filter(({ status }) => status !== 'failed');
    const left = intent.amount_received - gone.reduce((sum, one) => sum + one.amount, 0);
    if (left === 0) return invalid('charge_already_refunded', 'payment_intent');
    if (amount > left) return invalid('amount_too_large', 'amount', 'Refund amount is greater than unrefunded amount');
    const refund: StripeRefund = {
      id: `re_${++this.made}`,
      object: 'refund',
      amount,
      payment_intent: intent.id,
      status: this.refundsBecome,
      metadata: metadataOf(params),
    };
    this.refunds.set(refund.id, refund);
    return { status: 200, body: refund };
  }

  /** Newest first, in pages. */
  private listRefunds(params: URLSearchParams): Answer {
    const all = this.refundsOf(params.get('payment_intent') ?? '').toReversed();
    const after = all.findIndex(({ id }) => id === params.get('starting_after')) + 1;
    const data = all.slice(after, after + Number(params.get('limit') ?? 10));
    const has_more = after + data.length < all.length;
    return { status: 200, body: { object: 'list', url: '/v1/refunds', has_more, data } };
  }

  private refundsOf(intentId: string): StripeRefund[] {
    return [...this.refunds.values()].filter(({ payment_intent: intent }) => intent === intentId);
  }

  private intentOf(id: string): StripeIntent {
    const intent = this.intents.get(id);
    if (intent === undefined) throw new Error('no such intent');
    return intent;
  }
}

function approve(intent: StripeIntent): void {
  const isManual = intent.capture_method === 'manual';
  Object.assign(intent, {
    status: isManual ? 'requires_capture' : 'succeeded',
    amount_capturable: isManual ? intent.amount : 0,
    amount_received: isManual ? 0 : intent.amount,
    next_action: null,
  });
}

function refuse(intent: StripeIntent, error: { code: string; decline_code?: string }): Answer {
  const last_payment_error = { type: 'card_error', message: 'Your card was declined.', ...error };
  Object.assign(intent, { status: 'requires_payment_method', next_action: null, last_payment_error });
  return { status: 402, body: { error: { ...last_payment_error, payment_intent: intent } } };
}

function capture(intent: StripeIntent, params: URLSearchParams): Answer {
  if (intent.status !== 'requires_capture') return unexpectedState(intent);
  const amount = Number(params.get('amount_to_capture') ?? intent.amount);
  if (amount > intent.amount_capturable) return invalid('amount_too_large', 'amount_to_capture');
  Object.assign(intent, { status: 'succeeded', amount_received: amount, amount_capturable: 0 });
  return { status: 200, body: intent };
}

function cancel(intent: StripeIntent): Answer {
  if (['succeeded', 'canceled', 'processing'].includes(intent.status)) return unexpectedState(intent);
  Object.assign(intent, { status: 'canceled', amount_capturable: 0, next_action: null });
  return { status: 200, body: intent };
}

const createParameters = [
  'amount',
  'currency',
  'capture_method',
  'allowed_payment_method_types[0]',
  'metadata[paymentId]',
];

function unknownParameter(params: URLSearchParams, known: string[]): Answer | null {
  const unknown = [...params.keys()].find((name) => !known.includes(name));
  return unknown === undefined ? null : invalid('parameter_unknown', unknown);
}

const metadataOf = (params: URLSearchParams): Record<string, string> =>
  Object.fromEntries(
    [...params].flatMap(([name, value]) => {
      const [, entry] = /^metadata\[(.+)\]$/.exec(name) ?? [];
      return entry === undefined ? [] : [[entry, value]];
    }),
  );

const invalid = (code: string, param: string, message = code): Answer => ({
  status: 400,
  body: { error: { type: 'invalid_request_error', code, param, message } },
});

const unexpectedState = ({ status }: StripeIntent): Answer =>
  invalid('payment_intent_unexpected_state', 'intent', `This PaymentIntent's status is ${status}.`);

const missing = (param: string): Answer => ({
  status: 404,
  body: { error: { type: 'invalid_request_error', code: 'resource_missing', param, message: `No such ${param}` } },
});

const unauthorized: Answer = {
  status: 401,
  body: { error: { type: 'invalid_request_error', message: 'Invalid API Key provided: sk_test_****6789' } },
};

const keyReused: Answer = {
  status: 400,
  body: { error: { type: 'idempotency_error', message: 'Keys can only be used with the same parameters.' } },
};

const errorsByStatus: Record<number, object> = {
  409: { type: 'idempotency_error', code: 'idempotency_key_in_use' },
  429: { type: 'invalid_request_error', code: 'rate_limit' },
};

const failure = (status: number): Answer => ({
  status,
  body: status === 503 ? {} : { error: errorsByStatus[status] ?? { type: 'api_error' } },
});

/** Parameters that do not fit are refused before anything begins. */
const isValidationError = ({ status, body }: Answer): boolean =>
  status === 400 && JSON.stringify(body).includes('"parameter_');

function send(response: ServerResponse, { status, body }: Answer): void {
  response.writeHead(status, { 'Content-Type': 'application/json', 'Request-Id': 'req_test' });
  response.end(JSON.stringify(body));
}
