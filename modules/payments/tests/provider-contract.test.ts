// What payments rest on, whoever the provider is: one suite, told of each.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newId } from '../../../shared/domain/ids.ts';
import type { Money } from '../../../shared/domain/money.ts';
import { AppError } from '../../../shared/errors/app-error.ts';
import type { ProviderState } from '../provider.ts';
import { stripeWorld, testProviderWorld, type World } from './provider-worlds.ts';
import { until } from './story.ts';

const signal = new AbortController().signal;
const euros = (amount: number): Money => ({ amount, currency: 'EUR' });

const captured = (refundedMinor = 0, status = 'captured') => ({
  state: 'succeeded',
  charge: { status, authorizedMinor: 1000, capturedMinor: 1000, refundedMinor },
});
const uncaptured = (status: 'authorized' | 'voided') => ({
  state: 'succeeded',
  charge: { status, authorizedMinor: 1000, capturedMinor: 0, refundedMinor: 0 },
});

describe.each([
  ['test', testProviderWorld],
  ['stripe', stripeWorld],
])('the provider %s', (name, open) => {
  let world: World;
  beforeAll(async () => {
    world = await open();
  });
  afterAll(() => world.close());

  const authorize = (
    paymentId: string,
    { token = world.tokens.ok, amount = euros(1000), capture = true } = {},
  ): Promise<ProviderState> => world.provider.authorize({ paymentId, amount, token, capture }, signal);

  const opened = async (options: { token?: string; capture?: boolean } = {}): Promise<string> => {
    const paymentId = newId();
    await authorize(paymentId, options);
    return paymentId;
  };

  const fetch = (paymentId: string): Promise<ProviderState | null> => world.provider.fetch(paymentId, signal);

  const refund = (paymentId: string, amount: number, refundId = newId()): Promise<ProviderState> =>
    world.provider.refund({ refundId, paymentId, amount: euros(amount) }, signal);

  it('has its own name', () => {
    expect(world.provider.name).toBe(name);
  });

  describe('paying', () => {
    it('captures, or only authorises', async () => {
      expect(await authorize(newId())).toEqual(captured());
      expect(await authorize(newId(), { capture: false })).toEqual(uncaptured('authorized'));
    });

    it('charges an id once, and answers the charge as it is', async () => {
      const paymentId = await opened();
      expect(await authorize(paymentId)).toEqual(captured());
      expect(await fetch(paymentId)).toEqual(captured());
      await refund(paymentId, 300);
      expect(await authorize(paymentId)).toEqual(captured(300));
      expect(await world.countCharges(paymentId)).toBe(1);
    });

    it('charges an id once when it is asked twice at the same time', async () => {
      const paymentId = newId();
      await Promise.allSettled([authorize(paymentId), authorize(paymentId)]);
      expect(await authorize(paymentId)).toEqual(captured());
      expect(await world.countCharges(paymentId)).toBe(1);
    });

    it.each([
      { amount: 1001, currency: 'EUR' },
      { amount: 1000, currency: 'USD' },
    ])('does not take an id for another amount: $amount $currency', async (amount) => {
      const paymentId = await opened();
      await expect(authorize(paymentId, { amount })).rejects.toThrow(/another amount/);
      expect(await fetch(paymentId)).toEqual(captured());
    });

    it('declines, and stays with it, whatever is offered then', async () => {
      const paymentId = newId();
      const declined = { state: 'declined', reason: 'card_declined' };
      expect(await authorize(paymentId, { token: world.tokens.declined })).toEqual(declined);
      expect(await fetch(paymentId)).toEqual(declined);
      expect(await authorize(paymentId)).toEqual(declined);
    });

    it('declines a token that it does not know', async () => {
      const state = await authorize(newId(), { token: 'tok_of_nobody' });
      expect(state).toEqual({ state: 'declined', reason: 'unknown_token' });
    });

    it('sends the customer away, who approves', async () => {
      const paymentId = newId();
      const asked = await authorize(paymentId, { token: world.tokens.requiresAction });
      expect(asked).toMatchObject({
        state: 'requires_action',
        nextAction: { type: 'redirect', url: expect.stringMatching(/^https?:/) },
      });
      expect(await fetch(paymentId)).toEqual(asked);
      await world.decide(paymentId, 'approve');
      expect(await fetch(paymentId)).toEqual(captured());
    });

    it('sends the customer away, who declines', async () => {
      const paymentId = await opened({ token: world.tokens.requiresAction });
      await world.decide(paymentId, 'decline');
      expect(await fetch(paymentId)).toMatchObject({ state: 'declined' });
    });

    it('is processing until it is decided', async () => {
      const paymentId = newId();
      expect(await authorize(paymentId, { token: world.tokens.slow })).toEqual({ state: 'processing' });
      await world.decide(paymentId, 'approve');
      const settled = await until(
        () => fetch(paymentId),
        (state) => state?.state !== 'processing',
      );
      expect(settled).toEqual(captured());
    });

    it('has made the charge whose answer was lost, and makes no second one', async () => {
      const paymentId = newId();
      const { token, prepare } = world.lost;
      prepare();
      const patience = new AbortController();
      const call = world.provider.authorize({ paymentId, amount: euros(1000), token, capture: true }, patience.signal);
      const outcome = Promise.allSettled([call]);
      await until(
        () => world.countCharges(paymentId),
        (count) => count === 1,
      );
      patience.abort();
      expect(await outcome).toMatchObject([{ status: 'rejected' }]);
      expect(await fetch(paymentId)).toEqual(captured());
      expect(await authorize(paymentId, { token })).toEqual(captured());
      expect(await world.countCharges(paymentId)).toBe(1);
    });

    it('knows nothing of what it was never asked', async () => {
      expect(await fetch(newId())).toBeNull();
      await expect(world.provider.capture(newId(), euros(1), signal)).rejects.toThrow(/no such charge/);
      await expect(world.provider.void(newId(), signal)).rejects.toThrow(/no such charge/);
      await expect(refund(newId(), 1)).rejects.toThrow(/no such charge/);
    });
  });

  describe('capturing and voiding', () => {
    it('captures what was authorised, twice with one effect', async () => {
      const paymentId = await opened({ capture: false });
      expect(await world.provider.capture(paymentId, euros(1000), signal)).toEqual(captured());
      expect(await world.provider.capture(paymentId, euros(1000), signal)).toEqual(captured());
      expect(await fetch(paymentId)).toEqual(captured());
    });

    it('captures no more than was authorised', async () => {
      const paymentId = await opened({ capture: false });
      const state = await world.provider.capture(paymentId, euros(1001), signal);
      expect(state).toEqual({ state: 'declined', reason: 'charge_is_authorized' });
      expect(await fetch(paymentId)).toEqual(uncaptured('authorized'));
    });

    it('voids what was authorised, twice with one effect, and does not capture it then', async () => {
      const paymentId = await opened({ capture: false });
      expect(await world.provider.void(paymentId, signal)).toEqual(uncaptured('voided'));
      expect(await world.provider.void(paymentId, signal)).toEqual(uncaptured('voided'));
      const state = await world.provider.capture(paymentId, euros(1000), signal);
      expect(state).toEqual({ state: 'declined', reason: 'charge_is_voided' });
    });

    it('voids what waits for the customer', async () => {
      const paymentId = await opened({ token: world.tokens.requiresAction });
      expect(await world.provider.void(paymentId, signal)).toEqual(uncaptured('voided'));
      expect(await fetch(paymentId)).toEqual(uncaptured('voided'));
    });

    it('does not void what was captured', async () => {
      const paymentId = await opened();
      const state = await world.provider.void(paymentId, signal);
      expect(state).toEqual({ state: 'declined', reason: 'charge_is_captured' });
      expect(await fetch(paymentId)).toEqual(captured());
    });
  });

  describe('refunding', () => {
    it('gives back in parts, then all', async () => {
      const paymentId = await opened();
      expect(await refund(paymentId, 400)).toEqual(captured(400));
      expect(await refund(paymentId, 600)).toEqual(captured(1000, 'refunded'));
      expect(await fetch(paymentId)).toEqual(captured(1000, 'refunded'));
    });

    it('gives an id back once', async () => {
      const paymentId = await opened();
      const refundId = newId();
      expect(await refund(paymentId, 400, refundId)).toEqual(captured(400));
      expect(await refund(paymentId, 400, refundId)).toEqual(captured(400));
      expect(await fetch(paymentId)).toEqual(captured(400));
    });

    it('gives back no more than was captured', async () => {
      const paymentId = await opened();
      expect(await refund(paymentId, 1001)).toMatchObject({ state: 'declined' });
      expect(await refund(paymentId, 700)).toEqual(captured(700));
      expect(await refund(paymentId, 301)).toMatchObject({ state: 'declined' });
      expect(await fetch(paymentId)).toEqual(captured(700));
    });

    it('gives nothing back of what was only authorised', async () => {
      const paymentId = await opened({ capture: false });
      expect(await refund(paymentId, 1)).toMatchObject({ state: 'declined' });
      expect(await fetch(paymentId)).toEqual(uncaptured('authorized'));
    });
  });

  describe('telling', () => {
    it.each([
      ['ok', true, captured()],
      ['ok', false, uncaptured('authorized')],
      ['declined', true, { state: 'declined', reason: 'card_declined' }],
    ] as const)('tells a charge that went %s (captured: %s)', async (token, capture, state) => {
      const paymentId = await opened({ token: world.tokens[token], capture });
      const { body, headers } = await world.event(paymentId);
      expect(await world.provider.parseWebhook(body, headers)).toEqual({
        id: expect.stringMatching(/^evt_/),
        paymentId,
        state,
      });
    });

    it('tells that the customer is waited for', async () => {
      const paymentId = await opened({ token: world.tokens.requiresAction });
      const { body, headers } = await world.event(paymentId);
      const heard = await world.provider.parseWebhook(body, headers);
      expect(heard).toMatchObject({ paymentId, state: { state: 'requires_action' } });
      expect(heard?.state).toEqual(await fetch(paymentId));
    });

    const refused = async (call: Promise<unknown>, code: string): Promise<void> => {
      const error: unknown = await call.then(
        () => null,
        (reason: unknown) => reason,
      );
      expect(error).toBeInstanceOf(AppError);
      expect(error).toMatchObject({ kind: 'malformed', code });
    };

    it.each([
      ['of another secret', { secret: 'whsec_0f_s0meb0dy_else' }],
      ['that is too old', { ageSeconds: 301 }],
    ])('is not heard with a signature %s', async (_fault, signing) => {
      const { body, headers } = await world.event(await opened(), signing);
      await refused(world.provider.parseWebhook(body, headers), 'signature_invalid');
    });

    it('is heard after almost five minutes', async () => {
      const { body, headers } = await world.event(await opened(), { ageSeconds: 280 });
      expect(await world.provider.parseWebhook(body, headers)).toMatchObject({ state: captured() });
    });

    it('is not heard when a byte was changed, or without a signature', async () => {
      const { body, headers } = await world.event(await opened());
      const forged = Buffer.from(body.toString().replace('1000', '9000'));
      await refused(world.provider.parseWebhook(forged, headers), 'signature_invalid');
      await refused(world.provider.parseWebhook(body, {}), 'signature_invalid');
    });
  });
});
