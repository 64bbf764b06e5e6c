// The port to a payment provider: what it is asked, what it may answer, and how long we wait for it.
import type { IncomingHttpHeaders } from 'node:http';
import type { Money } from '../../shared/domain/money.ts';
import { unavailable } from '../../shared/errors/app-error.ts';
import type { Logger } from '../../shared/logging/logger.ts';

export type NextAction = { type: 'redirect'; url: string };

/** What the provider holds of one charge, in minor units of the charge's currency. */
export type Charge = {
  status: 'authorized' | 'captured' | 'voided' | 'refunded';
  authorizedMinor: number;
  capturedMinor: number;
  refundedMinor: number;
};

type Declined = { state: 'declined'; reason: string };
/** No answer is not a "no": the charge may exist. */
export type Unknown = { state: 'unknown'; reason: string };

export type ProviderState =
  | { state: 'succeeded'; charge: Charge }
  | Declined
  | { state: 'requires_action'; nextAction: NextAction }
  | { state: 'processing' }
  | Unknown;

/** `paymentId` is our row's id and the provider's idempotency key: asked twice, it charges once. */
export type Authorization = { paymentId: string; amount: Money; token: string; capture: boolean };
/** `refundId` is the refund row's id and the provider's idempotency key: asked again, days later too, it is still one refund. */
export type RefundRequest = { refundId: string; paymentId: string; amount: Money };

/**
 * `paymentId` is what the provider was given; it may be somebody else's or none of ours. `state` null: something changed,
 * and the event does not say enough of it.
 */
export type ProviderEvent = { id: string; paymentId: string; state: ProviderState | null };
export type HeardEvent = ProviderEvent & { state: ProviderState };

/**
 * The outside world. Each call answers the charge as it then is; `declined` from capture, void and refund says that the
 * step was refused, not the charge; `processing` from refund says that it is on its way: it is asked for again until it is
 * decided. A call may throw or hang: `PatientProvider` turns both into `unknown`.
 */
export interface Provider {
  readonly name: string;
  authorize(authorization: Authorization, signal: AbortSignal): Promise<ProviderState>;
  capture(paymentId: string, amount: Money, signal: AbortSignal): Promise<ProviderState>;
  void(paymentId: string, signal: AbortSignal): Promise<ProviderState>;
  refund(refund: RefundRequest, signal: AbortSignal): Promise<ProviderState>;
  /** Null when the provider has never heard of the payment. */
  fetch(paymentId: string, signal: AbortSignal): Promise<ProviderState | null>;
  /** Null when it is about nothing of ours. @throws malformed `signature_invalid`, `validation_failed` */
  parseWebhook(rawBody: Buffer, headers: IncomingHttpHeaders): Promise<ProviderEvent | null>;
}

/** Asks the provider with a deadline; whatever goes wrong means `unknown`, never that it failed. */
export class PatientProvider {
  private readonly provider: Provider;
  private readonly timeoutMs: number;
  private readonly logger: Logger;

  constructor(provider: Provider, { timeoutMs, logger }: { timeoutMs: number; logger: Logger }) {
    this.provider = provider;
    this.timeoutMs = timeoutMs;
    this.logger = logger;
  }

  get name(): string {
    return this.provider.name;
  }

  authorize(authorization: Authorization): Promise<ProviderState> {
    const { paymentId } = authorization;
    return this.ask('authorize', paymentId, (signal) => this.provider.authorize(authorization, signal));
  }

  capture(paymentId: string, amount: Money): Promise<ProviderState> {
    return this.ask('capture', paymentId, (signal) => this.provider.capture(paymentId, amount, signal));
  }

  void(paymentId: string): Promise<ProviderState> {
    return this.ask('void', paymentId, (signal) => this.provider.void(paymentId, signal));
  }

  refund(refund: RefundRequest): Promise<ProviderState> {
    return this.ask('refund', refund.paymentId, (signal) => this.provider.refund(refund, signal));
  }

  fetch(paymentId: string): Promise<ProviderState | null> {
    return this.ask('fetch', paymentId, (signal) => this.provider.fetch(paymentId, signal));
  }

  /**
   * Asks for what the event does not say. @throws malformed `signature_invalid`, `validation_failed`; unavailable
   * `provider_unavailable`: then the provider has to tell it again
   */
  async readEvent(rawBody: Buffer, headers: IncomingHttpHeaders): Promise<HeardEvent | null> {
    const event = await this.provider.parseWebhook(rawBody, headers);
    if (event === null) return null;
    const state = event.state ?? (await this.fetch(event.paymentId));
    if (event.state === null && state?.state === 'unknown')
      throw unavailable('provider_unavailable', 'The provider did not say what has changed.', { retryAfterSeconds: 5 });
    return state === null ? null : { ...event, state };
  }

  /** The race is for providers that do not heed the signal. */
  private async ask<State>(
    operation: string,
    paymentId: string,
    call: (signal: AbortSignal) => Promise<State>,
  ): Promise<State | Unknown> {
    const signal = AbortSignal.timeout(this.timeoutMs);
    try {
      return await Promise.race([call(signal), whenAborted(signal)]);
    } catch (error) {
      this.logger.warn({ err: error, operation, paymentId, provider: this.name }, 'the provider gave no answer');
      return { state: 'unknown', reason: signal.aborted ? 'timed_out' : 'call_failed' };
    }
  }
}

const whenAborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(new Error('no answer in time')), { once: true });
  });
