// The test provider keeps its books as a real one would: keys count once, and no more goes back than came in.
import { createServer } from 'node:http';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newId } from '../../../shared/domain/ids.ts';
import { createLogger } from '../../../shared/logging/logger.ts';
import { startTestApp, type TestApp } from '../../../tests/support/app.ts';
import type { ProviderState } from '../provider.ts';
import { readEvent, type TestProviderEvent } from '../providers/test-provider.events.ts';
import { TestProviderSender } from '../providers/test-provider.sender.ts';
import type { TestProvider } from '../providers/test-provider.ts';
import { SECRET } from './story.ts';

let app: TestApp;
let provider: TestProvider;
const signal = AbortSignal.timeout(30_000);
const amount = { amount: 100, currency: 'EUR' };

beforeAll(async () => {
  app = await startTestApp();
  ({ provider } = app.modules.payments);
});
afterAll(() => app.close());

async function charged(capture: boolean): Promise<string> {
  const paymentId = newId();
  await provider.authorize({ paymentId, amount, token: 'tok_ok', capture }, signal);
  return paymentId;
}

const refundOf = (paymentId: string, minor: number, refundId = newId()): Promise<ProviderState> =>
  provider.refund({ refundId, paymentId, amount: { amount: minor, currency: 'EUR' } });

describe('the test provider', () => {
  it('charges a key once, and answers what it answered', async () => {
    const paymentId = newId();
    const first = await provider.authorize({ paymentId, amount, token: 'tok_ok', capture: true }, signal);
    expect(await provider.authorize({ paymentId, amount, token: 'tok_declined', capture: true }, signal)).toEqual(
      first,
    );
    expect(await provider.fetch(paymentId)).toEqual(first);
  });

  it.each([
    { amount: 101, currency: 'EUR' },
    { amount: 100, currency: 'USD' },
  ])('refuses a key with another amount: $amount $currency', async (other) => {
    const paymentId = await charged(true);
    await expect(
      provider.authorize({ paymentId, amount: other, token: 'tok_ok', capture: true }, signal),
    ).rejects.toThrow(/another amount/);
  });

  it('knows nothing of what it was never asked', async () => {
    expect(await provider.fetch(newId())).toBeNull();
    await expect(provider.void(newId())).rejects.toThrow(/no such charge/);
  });

  it('captures what was authorised, and no more', async () => {
    const paymentId = await charged(false);
    expect(await provider.capture(paymentId, { amount: 101, currency: 'EUR' })).toMatchObject({ state: 'declined' });
    expect(await provider.capture(paymentId, amount)).toMatchObject({
      state: 'succeeded',
      charge: { status: 'captured', capturedMinor: 100 },
    });
  });

  it('voids what was not captured, and nothing else', async () => {
    expect(await provider.void(await charged(false))).toMatchObject({ charge: { status: 'voided' } });
    expect(await provider.void(await charged(true))).toEqual({ state: 'declined', reason: 'charge_is_captured' });
  });

  it('refunds a key once, and no more than was captured', async () => {
    const paymentId = await charged(true);
    const refundId = newId();
    for (let i = 0; i < 2; i++) {
      expect(await refundOf(paymentId, 60, refundId)).toMatchObject({
        charge: { status: 'captured', refundedMinor: 60 },
      });
    }
    expect(await refundOf(paymentId, 41)).toMatchObject({ state: 'declined' });
    const both = await Promise.all([refundOf(paymentId, 40), refundOf(paymentId, 40)]);
    expect(both.map(({ state }) => state).toSorted((one, other) => one.localeCompare(other))).toEqual([
      'declined',
      'succeeded',
    ]);
    expect(await provider.fetch(paymentId)).toMatchObject({ charge: { status: 'refunded', refundedMinor: 100 } });
    expect(await refundOf(await charged(false), 1)).toMatchObject({ state: 'declined' });
  });

  it('sends an event again, signed each time, until it is answered', async () => {
    const received: TestProviderEvent[] = [];
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        received.push(readEvent(SECRET, Buffer.concat(chunks), request.headers));
        response.writeHead(received.length < 3 ? 503 : 204).end();
      });
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const webhookBaseUrl = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
    const logger = createLogger({ level: 'silent', isPretty: false });
    const charge = {
      id: newId(),
      status: 'captured' as const,
      amountMinor: 1,
      capturedMinor: 1,
      refundedMinor: 0,
      declineReason: null,
    };
    const event = { id: 'evt_1', type: 'charge.updated', charge };
    await new TestProviderSender({ secret: SECRET, webhookBaseUrl, logger }).send(event);
    expect(received).toEqual([event, event, event]);
    server.close();
    server.closeAllConnections();
  });
});
