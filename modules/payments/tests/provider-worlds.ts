// Two outside worlds for one contract: the test provider, and the Stripe adapter before a server that plays Stripe.
import type { IncomingHttpHeaders } from 'node:http';
import { createLogger } from '../../../shared/logging/logger.ts';
import { startTestApp } from '../../../tests/support/app.ts';
import { STRIPE_KEY, STRIPE_WEBHOOK_SECRET, StripeServer } from '../../../tests/support/stripe-server.ts';
import type { Provider } from '../provider.ts';
import { StripeProvider } from '../providers/stripe.ts';
import { TestProvider } from '../providers/test-provider.ts';
import { SECRET, signature } from './story.ts';

type Signed = { body: Buffer; headers: IncomingHttpHeaders };
type Signing = { secret?: string; ageSeconds?: number };

export type World = {
  provider: Provider;
  tokens: { ok: string; declined: string; requiresAction: string; slow: string };
  /** Makes the charge, and never answers. */
  lost: { token: string; prepare: () => void };
  /** What the customer does on the provider's page, or what the network decides. */
  decide: (paymentId: string, decision: 'approve' | 'decline') => Promise<void>;
  /** How many charges were made for this payment. */
  countCharges: (paymentId: string) => Promise<number>;
  /** An event that tells the charge as it is. */
  event: (paymentId: string, signing?: Signing) => Promise<Signed>;
  close: () => Promise<void>;
};

const at = (ageSeconds: number): number => Math.floor(Date.now() / 1000) - ageSeconds;

export async function testProviderWorld(): Promise<World> {
  const app = await startTestApp();
  const logger = createLogger({ level: 'silent', isPretty: false });
  const provider = new TestProvider({
    database: app.database,
    logger,
    secret: SECRET,
    publicUrl: 'http://localhost:3000',
    // Nobody listens: the contract is about what is asked, and events are made by hand.
    webhookBaseUrl: 'http://127.0.0.1:9',
  });
  return {
    provider,
    tokens: { ok: 'tok_ok', declined: 'tok_declined', requiresAction: 'tok_requires_action', slow: 'tok_slow' },
    lost: { token: 'tok_timeout', prepare: () => undefined },
    decide: async (paymentId, decision) => void (await provider.decide(paymentId, decision)),
    countCharges: async (paymentId) => ((await provider.findCharge(paymentId)) === null ? 0 : 1),
    event: async (paymentId, { secret = SECRET, ageSeconds = 0 } = {}) => {
      const charge = await provider.findCharge(paymentId);
      const body = Buffer.from(JSON.stringify({ id: `evt_${paymentId}`, type: 'charge.updated', charge }));
      const header = signature(body, { secret, at: at(ageSeconds) });
      return { body, headers: { 'waybill-test-signature': header } };
    },
    close: () => app.close(),
  };
}

const eventTypes: Record<string, string> = {
  succeeded: 'payment_intent.succeeded',
  requires_capture: 'payment_intent.amount_capturable_updated',
  requires_payment_method: 'payment_intent.payment_failed',
  canceled: 'payment_intent.canceled',
  processing: 'payment_intent.processing',
  requires_action: 'payment_intent.requires_action',
};

export async function stripeWorld(): Promise<World & { server: StripeServer }> {
  const app = await startTestApp();
  const server = await new StripeServer().start();
  const provider = new StripeProvider({
    database: app.database,
    settings: { secretKey: STRIPE_KEY, webhookSecret: STRIPE_WEBHOOK_SECRET, apiUrl: server.url },
    publicUrl: 'https://shop.example',
  });
  return {
    provider,
    server,
    tokens: {
      ok: 'pm_card_visa',
      declined: 'pm_card_visa_chargeDeclined',
      requiresAction: 'pm_card_authenticationRequired',
      slow: 'pm_slow_to_settle',
    },
    lost: { token: 'pm_card_visa', prepare: () => server.failNext(/confirm/, 'hangs_after') },
    decide: async (paymentId, decision) => server.decide(server.intentFor(paymentId).id, decision),
    countCharges: async (paymentId) =>
      [...server.intents.values()].filter(
        ({ metadata, status }) => metadata['paymentId'] === paymentId && status !== 'requires_payment_method',
      ).length,
    event: async (paymentId, { secret = STRIPE_WEBHOOK_SECRET, ageSeconds = 0 } = {}) => {
      const intent = server.intentFor(paymentId);
      const type = eventTypes[intent.status] ?? '';
      const { body, signature: header } = server.signedEvent(type, intent, { secret, at: at(ageSeconds) });
      return { body: Buffer.from(body), headers: { 'stripe-signature': header } };
    },
    close: async () => {
      await server.stop();
      await app.close();
    },
  };
}
