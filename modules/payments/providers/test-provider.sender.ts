// Sends the test provider's events to our own webhook route over loopback, and tries again when it is not answered.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '../../../shared/logging/logger.ts';
import { SIGNATURE_HEADER, signatureOf, type TestProviderEvent } from './test-provider.events.ts';

const WAITS_MS = [0, 200, 1000, 5000];
const TIMEOUT_MS = 5000;

type Options = { secret: string; webhookBaseUrl: string | (() => string); logger: Logger };

export class TestProviderSender {
  private readonly options: Options;

  constructor(options: Options) {
    this.options = options;
  }

  /** Never throws: whoever sends does not wait for it, and the reconciling job finds what was not heard. */
  async send(event: TestProviderEvent): Promise<void> {
    let reason: unknown;
    for (const waitMs of WAITS_MS) {
      try {
        await sleep(waitMs, undefined, { ref: false });
        return await this.post(event);
      } catch (error) {
        reason = error;
      }
    }
    this.options.logger.warn({ err: reason, eventId: event.id }, 'the test provider could not tell an event');
  }

  private async post(event: TestProviderEvent): Promise<void> {
    const { secret, webhookBaseUrl } = this.options;
    const base = typeof webhookBaseUrl === 'string' ? webhookBaseUrl : webhookBaseUrl();
    const body = JSON.stringify(event);
    const signature = signatureOf(secret, body, Math.floor(Date.now() / 1000));
    const response = await fetch(`${base}/api/v1/payments/webhooks/test`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', [SIGNATURE_HEADER]: signature },
      body,
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    await response.arrayBuffer();
    if (!response.ok) throw new Error(`the webhook route answered ${response.status}`);
  }
}
