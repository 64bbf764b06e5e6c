// A payment provider that moves no money: it plays the outside world, with tokens for its good and its bad days.
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { IncomingHttpHeaders } from 'node:http';
import type { Database } from '../../../shared/database/database.ts';
import { newId } from '../../../shared/domain/ids.ts';
import type { Money } from '../../../shared/domain/money.ts';
import type { Logger } from '../../../shared/logging/logger.ts';
import type { Authorization, Provider, ProviderEvent, ProviderState, RefundRequest } from '../provider.ts';
import { readEvent, type TestProviderEvent } from './test-provider.events.ts';
import { TestProviderBooks, type ChargeRow, type NewCharge } from './test-provider.repository.ts';
import { TestProviderSender } from './test-provider.sender.ts';

/** What a token does; `approved` is captured, or only authorised when that was asked for. */
type Script = {
  becomes: 'approved' | 'processing' | 'requires_action' | 'declined';
  settlesInMs?: number;
  /** The charge is made, but the call never answers. */
  hangs?: true;
  /** By webhook, afterwards. */
  tells?: 'when_settled' | 'twice' | 'out_of_order';
};

const scripts: Record<string, Script> = {
  tok_ok: { becomes: 'approved' },
  tok_declined: { becomes: 'declined' },
  tok_requires_action: { becomes: 'requires_action' },
  tok_timeout: { becomes: 'approved', hangs: true },
  tok_slow: { becomes: 'processing', settlesInMs: 1000, tells: 'when_settled' },
  tok_duplicate_webhook: { becomes: 'approved', tells: 'twice' },
  tok_out_of_order: { becomes: 'processing', settlesInMs: 0, tells: 'out_of_order' },
};

type TestProviderOptions = {
  database: Database;
  logger: Logger;
  secret: string;
  /** Where customers reach us: the approval page is below it. */
  publicUrl: string;
  /** Where this process reaches itself; a function when the port is known only later. */
  webhookBaseUrl: string | (() => string);
};

export class TestProvider implements Provider {
  readonly name = 'test';
  private readonly books: TestProviderBooks;
  private readonly sender: TestProviderSender;
  private readonly options: TestProviderOptions;

  constructor(options: TestProviderOptions) {
    this.books = new TestProviderBooks(options.database);
    this.sender = new TestProviderSender(options);
    this.options = options;
  }

  /** @throws when the key was used for another amount */
  async authorize({ paymentId, amount, token, capture }: Authorization, signal: AbortSignal): Promise<ProviderState> {
    const script = scriptOf(token);
    const isNew = await this.books.insertCharge(chargeOf(paymentId, amount, capture, token));
    const charge = await this.mustFind(paymentId);
    requireSameAmount(charge, amount);
    // A slow charge may have settled while it was read; the answer is of the moment it was made.
    const state = isNew && script.becomes === 'processing' ? PROCESSING : this.stateOf(charge);
    if (isNew) this.tell(script, charge);
    if (isNew && script.hangs) await untilAborted(signal);
    return state;
  }

  async capture(paymentId: string, amount: Money): Promise<ProviderState> {
    await this.books.captureCharge(paymentId, amount.amount);
    const charge = await this.mustFind(paymentId);
    return charge.status === 'captured' ? this.stateOf(charge) : refused(charge);
  }

  async void(paymentId: string): Promise<ProviderState> {
    await this.books.voidCharge(paymentId);
    const charge = await this.mustFind(paymentId);
    return charge.status === 'voided' ? this.stateOf(charge) : refused(charge);
  }

  async refund({ refundId, paymentId, amount }: RefundRequest): Promise<ProviderState> {
    const isRefunded = await this.books.refundCharge(refundId, paymentId, amount.amount);
    const charge = await this.mustFind(paymentId);
    return isRefunded ? this.stateOf(charge) : refused(charge);
  }

  async fetch(paymentId: string): Promise<ProviderState | null> {
    const charge = await this.books.findCharge(paymentId);
    return charge === null ? null : this.stateOf(charge);
  }

  async parseWebhook(rawBody: Buffer, headers: IncomingHttpHeaders): Promise<ProviderEvent> {
    const { id, charge } = readEvent(this.options.secret, rawBody, headers);
    return { id, paymentId: charge.id, state: this.stateOf(charge) };
  }

  /** What the customer answered on the approval page; a charge that was decided stays so. Null when there is none. */
  async decide(chargeId: string, decision: 'approve' | 'decline'): Promise<ChargeRow | null> {
    const isDecided = await this.books.decideCharge(chargeId, decision);
    const charge = await this.books.findCharge(chargeId);
    if (isDecided && charge !== null) this.send(charge);
    return charge;
  }

  findCharge(chargeId: string): Promise<ChargeRow | null> {
    return this.books.findCharge(chargeId);
  }

  private tell({ tells }: Script, charge: ChargeRow): void {
    const { id } = charge;
    if (tells === 'when_settled') this.later(() => this.sendSettled(id));
    if (tells === 'twice') this.later(() => this.sendTwice(charge));
    if (tells === 'out_of_order') this.later(() => this.sendOutOfOrder(id));
  }

  private async sendSettled(chargeId: string): Promise<void> {
    for (let charge = await this.mustFind(chargeId); ; charge = await this.mustFind(chargeId)) {
      if (charge.status !== 'processing') return this.sender.send(eventOf(charge));
      await sleep(200, undefined, { ref: false });
    }
  }

  private async sendTwice(charge: ChargeRow): Promise<void> {
    const event = eventOf(charge);
    await Promise.all([this.sender.send(event), this.sender.send(event)]);
  }

  /** The event that was overtaken says what the charge was before. */
  private async sendOutOfOrder(chargeId: string): Promise<void> {
    const charge = await this.mustFind(chargeId);
    await this.sender.send(eventOf(charge));
    const before = charge.status === 'captured' ? 'authorized' : 'processing';
    await this.sender.send(eventOf({ ...charge, status: before, capturedMinor: 0 }));
  }

  private send(charge: ChargeRow): void {
    this.later(() => this.sender.send(eventOf(charge)));
  }

  /** Nobody waits for it, so nobody else would hear of its failure. */
  private later(work: () => Promise<void>): void {
    void work().catch((error: unknown) =>
      this.options.logger.warn({ err: error }, 'the test provider could not tell an event'),
    );
  }

  private async mustFind(chargeId: string): Promise<ChargeRow> {
    const charge = await this.books.findCharge(chargeId);
    if (charge === null) throw new Error('no such charge');
    return charge;
  }

  private stateOf(charge: TestProviderEvent['charge']): ProviderState {
    const { id, status, amountMinor, capturedMinor, refundedMinor } = charge;
    if (status === 'processing') return PROCESSING;
    if (status === 'declined') return { state: 'declined', reason: charge.declineReason ?? 'declined' };
    if (status === 'requires_action')
      return { state: 'requires_action', nextAction: { type: 'redirect', url: this.pageOf(id) } };
    return { state: 'succeeded', charge: { status, authorizedMinor: amountMinor, capturedMinor, refundedMinor } };
  }

  private pageOf(chargeId: string): string {
    return `${this.options.publicUrl}/test-provider/charges/${chargeId}`;
  }
}

const PROCESSING: ProviderState = { state: 'processing' };

/** Any other token is declined. */
const scriptOf = (token: string): Script =>
  (Object.hasOwn(scripts, token) ? scripts[token] : undefined) ?? { becomes: 'declined' };

function chargeOf(id: string, { amount, currency }: Money, captures: boolean, token: string): NewCharge {
  const { becomes, settlesInMs = null } = scriptOf(token);
  const approved = captures ? 'captured' : 'authorized';
  const declineReason = token === 'tok_declined' ? 'card_declined' : 'unknown_token';
  return {
    id,
    status: becomes === 'approved' ? approved : becomes,
    amountMinor: amount,
    currency,
    captures,
    declineReason: becomes === 'declined' ? declineReason : null,
    settlesInMs,
  };
}

function requireSameAmount({ amountMinor, currency }: ChargeRow, amount: Money): void {
  if (amountMinor !== amount.amount || currency !== amount.currency) {
    throw new Error('the idempotency key was used for another amount');
  }
}

const refused = ({ status }: ChargeRow): ProviderState => ({ state: 'declined', reason: `charge_is_${status}` });

const eventOf = ({
  id,
  status,
  amountMinor,
  capturedMinor,
  refundedMinor,
  declineReason,
}: ChargeRow): TestProviderEvent => ({
  id: `evt_${newId()}`,
  type: 'charge.updated',
  charge: { id, status, amountMinor, capturedMinor, refundedMinor, declineReason },
});

/** Rejects as a call does whose connection was given up. */
async function untilAborted(signal: AbortSignal): Promise<never> {
  // Given up already: the event has passed.
  if (!signal.aborted) await once(signal, 'abort');
  throw new Error('the test provider never answered');
}
