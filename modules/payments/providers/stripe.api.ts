// The calls we make to Stripe, through its package: what it refused is an answer, whatever else goes wrong is thrown.
import type Stripe from 'stripe';
import { z } from 'zod';
import { intentSchema, reasonOf, refundSchema, type Intent, type Refund } from './stripe.states.ts';

export type StripeSettings = {
  secretKey: string;
  webhookSecret: string;
  /** Null: Stripe's own. */
  apiUrl: string | null;
};

/** Asked, understood, and not done: no money moved. */
export type Refusal = { refusal: string };

export const isRefusal = (answer: object): answer is Refusal => 'refusal' in answer;

type NewIntent = { paymentId: string; units: number; currency: string; captures: boolean };
type Confirmation = { paymentId: string; intentId: string; token: string; returnUrl: string };
type NewRefund = { refundId: string; paymentId: string; intentId: string; units: number };

export class StripeApi {
  private readonly settings: StripeSettings;

  constructor(settings: StripeSettings) {
    this.settings = settings;
  }

  /** Moves no money yet. Asked again within a day, it is the same intent. */
  create({ paymentId, units, currency, captures }: NewIntent, signal: AbortSignal): Promise<Intent | Refusal> {
    const intent: Stripe.PaymentIntentCreateParams = {
      amount: units,
      currency: currency.toLowerCase(),
      capture_method: captures ? 'automatic' : 'manual',
      // Settled at once, and every further step is a redirect; other kinds of payment may take days.
      allowed_payment_method_types: ['card'],
      metadata: { paymentId },
    };
    return this.ask(intentSchema, signal, (stripe) =>
      stripe.paymentIntents.create(intent, { idempotencyKey: paymentId }),
    );
  }

  /** The one call that charges. */
  confirm({ paymentId, intentId, token, returnUrl }: Confirmation, signal: AbortSignal): Promise<Intent | Refusal> {
    return this.ask(intentSchema, signal, (stripe) =>
      stripe.paymentIntents.confirm(
        intentId,
        { payment_method: token, return_url: returnUrl },
        { idempotencyKey: `${paymentId}:confirm` },
      ),
    );
  }

  retrieve(intentId: string, signal: AbortSignal): Promise<Intent | Refusal> {
    return this.ask(intentSchema, signal, (stripe) => stripe.paymentIntents.retrieve(intentId));
  }

  /** No key of ours, as in `cancel`: an intent is captured once by itself, and a key would answer yesterday's refusal. */
  capture(intentId: string, units: number, signal: AbortSignal): Promise<Intent | Refusal> {
    return this.ask(intentSchema, signal, (stripe) =>
      stripe.paymentIntents.capture(intentId, { amount_to_capture: units }),
    );
  }

  cancel(intentId: string, signal: AbortSignal): Promise<Intent | Refusal> {
    return this.ask(intentSchema, signal, (stripe) => stripe.paymentIntents.cancel(intentId));
  }

  refund({ refundId, paymentId, intentId, units }: NewRefund, signal: AbortSignal): Promise<Refund | Refusal> {
    const refund = { payment_intent: intentId, amount: units, metadata: { refundId, paymentId } };
    return this.ask(refundSchema, signal, (stripe) => stripe.refunds.create(refund, { idempotencyKey: refundId }));
  }

  /** All of them: read after write, unlike Stripe's search. */
  listRefunds(intentId: string, signal: AbortSignal): Promise<Refund[] | Refusal> {
    return this.ask(z.array(refundSchema), signal, (stripe) =>
      stripe.refunds.list({ payment_intent: intentId, limit: 100 }).autoPagingToArray({ limit: 10_000 }),
    );
  }

  /** @throws whatever the package has to say of a wrong signature, the body included */
  async readEvent(rawBody: Buffer, signature: string): Promise<unknown> {
    const { default: StripeClient } = await import('stripe');
    return StripeClient.webhooks.constructEvent(rawBody, signature, this.settings.webhookSecret, TOLERANCE_SECONDS);
  }

  private async ask<Schema extends z.ZodType>(
    schema: Schema,
    signal: AbortSignal,
    call: (stripe: Stripe) => Promise<unknown>,
  ): Promise<z.output<Schema> | Refusal> {
    try {
      // Parsed: a proxy's 503 that happens to be JSON would else pass as an intent.
      return schema.parse(await call(await this.clientUntil(signal)));
    } catch (error) {
      if (isRefused(error)) return { refusal: reasonOf(error) };
      throw withoutSecrets(error);
    }
  }

  /**
   * Loaded with the first call: whoever does not use Stripe does not pay for it. One client a call (0.3 ms), as the
   * package knows no AbortSignal; the connections are those of `fetch` and are kept.
   */
  private async clientUntil(signal: AbortSignal): Promise<Stripe> {
    const { default: StripeClient } = await import('stripe');
    const fetchUntil: typeof fetch = (url, init) =>
      fetch(url, { ...init, signal: AbortSignal.any([signal, ...(init?.signal ? [init.signal] : [])]) });
    return new StripeClient(this.settings.secretKey, {
      httpClient: StripeClient.createFetchHttpClient(fetchUntil),
      // Whoever asks again is our own job; the deadline of a call is short.
      maxNetworkRetries: 0,
      telemetry: false,
      ...addressOf(this.settings.apiUrl),
    });
  }
}

/** Stripe's own tolerance too. */
const TOLERANCE_SECONDS = 300;

function addressOf(apiUrl: string | null): Pick<Stripe.StripeConfig, 'host' | 'port' | 'protocol'> {
  if (apiUrl === null) return {};
  const { hostname, port, protocol } = new URL(apiUrl);
  const isPlain = protocol === 'http:';
  return { host: hostname, port: port || (isPlain ? 80 : 443), protocol: isPlain ? 'http' : 'https' };
}

type StripeFault = Error & {
  type: string;
  statusCode?: number;
  code?: string;
  decline_code?: string;
  requestId?: string;
};

const isOfStripe = (error: unknown): error is StripeFault =>
  error instanceof Error && 'type' in error && typeof error.type === 'string' && error.type.startsWith('Stripe');

/** 402, 400 and 404. Not 401, 403 (our key), 409, 429, 5xx, another body for a known key, or silence: all those are unknown. */
const isRefused = (error: unknown): error is StripeFault =>
  isOfStripe(error) && (error.type === 'StripeCardError' || error.type === 'StripeInvalidRequestError');

/** The package's errors carry the intent's client secret and quote what was sent; this goes into the log. */
function withoutSecrets(error: unknown): Error {
  if (!isOfStripe(error))
    return error instanceof z.ZodError
      ? new Error('stripe: not an answer of its API')
      : new Error('stripe: the call failed');
  const { type, statusCode = 'no status', code = 'no code', requestId = 'no request id' } = error;
  return new Error(`stripe: ${type}, ${statusCode}, ${code}, ${requestId}`);
}
