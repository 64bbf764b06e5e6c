// The payment port, spoken to Stripe: payment intents that are remembered before they can charge, and refunds.
import type { IncomingHttpHeaders } from 'node:http';
import type { Database } from '../../../shared/database/database.ts';
import type { Money } from '../../../shared/domain/money.ts';
import { statusTold } from '../payment.ts';
import type { Authorization, Charge, Provider, ProviderEvent, ProviderState, RefundRequest } from '../provider.ts';
import { isRefusal, StripeApi, type Refusal, type StripeSettings } from './stripe.api.ts';
import { toUnits } from './stripe.currency.ts';
import { readEvent } from './stripe.events.ts';
import { StripeIntents } from './stripe.repository.ts';
import { refundedUnitsOf, stateOf, stateOfRefund, type Intent, type Refund } from './stripe.states.ts';

type Options = {
  database: Database;
  settings: StripeSettings;
  /** Where customers come back to from their bank's page. */
  publicUrl: string;
};

export class StripeProvider implements Provider {
  readonly name = 'stripe';
  private readonly api: StripeApi;
  private readonly intents: StripeIntents;
  private readonly publicUrl: string;

  constructor({ database, settings, publicUrl }: Options) {
    this.api = new StripeApi(settings);
    this.intents = new StripeIntents(database);
    this.publicUrl = publicUrl;
  }

  /**
   * Created, written down, confirmed: only the last step charges, so a charge whose answer was lost is found by what was
   * written, at any time (decision 16). @throws when the payment was opened with another amount
   */
  async authorize(authorization: Authorization, signal: AbortSignal): Promise<ProviderState> {
    const { paymentId, amount, token } = authorization;
    const asked = toUnits(amount);
    if (isRefusal(asked)) return declined(asked);
    const known = await this.intents.find(paymentId);
    if (known === null) return this.open(authorization, asked.units, signal);
    const intent = required(await this.api.retrieve(known, signal));
    requireSameAmount(intent, asked.units, amount.currency);
    return (await this.stateNow(intent, signal)) ?? this.confirm(paymentId, known, token, signal);
  }

  async capture(paymentId: string, amount: Money, signal: AbortSignal): Promise<ProviderState> {
    const asked = toUnits(amount);
    if (isRefusal(asked)) return declined(asked);
    return this.step(paymentId, 'captured', signal, (intentId) => this.api.capture(intentId, asked.units, signal));
  }

  async void(paymentId: string, signal: AbortSignal): Promise<ProviderState> {
    return this.step(paymentId, 'voided', signal, (intentId) => this.api.cancel(intentId, signal));
  }

  /** Looked for first: Stripe forgets a key after a day, and money would go back twice. */
  async refund({ refundId, paymentId, amount }: RefundRequest, signal: AbortSignal): Promise<ProviderState> {
    const asked = toUnits(amount);
    if (isRefusal(asked)) return declined(asked);
    const intentId = await this.mustFind(paymentId);
    const refund =
      (await this.findRefund(intentId, refundId, signal)) ??
      (await this.api.refund({ refundId, paymentId, intentId, units: asked.units }, signal));
    if (isRefusal(refund)) return declined(refund);
    return stateOfRefund(refund) ?? (await this.look(intentId, signal)) ?? { state: 'processing' };
  }

  async fetch(paymentId: string, signal: AbortSignal): Promise<ProviderState | null> {
    const intentId = await this.intents.find(paymentId);
    return intentId === null ? null : this.look(intentId, signal);
  }

  /** Known by the intent that we wrote down, not by metadata, which others of the same account may write too. */
  async parseWebhook(rawBody: Buffer, headers: IncomingHttpHeaders): Promise<ProviderEvent | null> {
    const event = await readEvent(this.api, rawBody, headers);
    const paymentId = event === null ? null : await this.intents.findPayment(event.intentId);
    if (event === null || paymentId === null) return null;
    return { id: event.id, paymentId, state: event.intent === null ? null : stateOf(event.intent) };
  }

  private async open(
    { paymentId, amount: { currency }, token, capture: captures }: Authorization,
    units: number,
    signal: AbortSignal,
  ): Promise<ProviderState> {
    const created = await this.api.create({ paymentId, units, currency, captures }, signal);
    if (isRefusal(created)) return declined(created);
    return this.confirm(paymentId, await this.intents.insert(paymentId, created.id), token, signal);
  }

  /** A refusal tells less than the intent: it may have been confirmed before, or hold the reason of the decline. */
  private async confirm(
    paymentId: string,
    intentId: string,
    token: string,
    signal: AbortSignal,
  ): Promise<ProviderState> {
    const returnUrl = `${this.publicUrl}/?paymentId=${paymentId}`;
    const confirmed = await this.api.confirm({ paymentId, intentId, token, returnUrl }, signal);
    if (!isRefusal(confirmed)) return stateOf(confirmed) ?? { state: 'processing' };
    return (await this.look(intentId, signal)) ?? declined(confirmed);
  }

  /** Refused because it was done before is done. */
  private async step(
    paymentId: string,
    wanted: Charge['status'],
    signal: AbortSignal,
    take: (intentId: string) => Promise<Intent | Refusal>,
  ): Promise<ProviderState> {
    const intentId = await this.mustFind(paymentId);
    const answer = await take(intentId);
    const state = isRefusal(answer) ? await this.look(intentId, signal) : await this.stateNow(answer, signal);
    if (state !== null && statusTold(state) === wanted) return state;
    return { state: 'declined', reason: `charge_is_${state === null ? 'not_confirmed' : statusTold(state)}` };
  }

  private async look(intentId: string, signal: AbortSignal): Promise<ProviderState | null> {
    return this.stateNow(required(await this.api.retrieve(intentId, signal)), signal);
  }

  private async stateNow(intent: Intent, signal: AbortSignal): Promise<ProviderState | null> {
    if (intent.status !== 'succeeded') return stateOf(intent);
    return stateOf(intent, refundedUnitsOf(required(await this.api.listRefunds(intent.id, signal))));
  }

  private async findRefund(intentId: string, refundId: string, signal: AbortSignal): Promise<Refund | undefined> {
    const refunds = required(await this.api.listRefunds(intentId, signal));
    return refunds.find(({ metadata }) => metadata?.['refundId'] === refundId);
  }

  private async mustFind(paymentId: string): Promise<string> {
    const intentId = await this.intents.find(paymentId);
    if (intentId === null) throw new Error('no such charge');
    return intentId;
  }
}

const declined = ({ refusal }: Refusal): ProviderState => ({ state: 'declined', reason: refusal });

/** Only reading: an intent that we wrote down and Stripe denies means the key of another account, not "never heard of". */
function required<Answer extends object>(answer: Answer | Refusal): Answer {
  if (isRefusal(answer)) throw new Error('stripe does not know an intent that it made');
  return answer;
}

function requireSameAmount({ amount, currency }: Intent, units: number, asked: string): void {
  if (amount !== units || currency.toUpperCase() !== asked)
    throw new Error('the payment was opened with another amount');
}
