// The test provider's events: how they look, how they are signed, and how the signature is checked.
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { z } from 'zod';
import { malformed } from '../../../shared/errors/app-error.ts';
import { parse, validationFailed } from '../../../shared/http/parse.ts';

export const SIGNATURE_HEADER = 'Waybill-Test-Signature';
const TOLERANCE_SECONDS = 300;

const minor = z.int().min(0);
const charge = z.object({
  id: z.string().min(1).max(255),
  status: z.enum(['processing', 'requires_action', 'authorized', 'captured', 'voided', 'declined', 'refunded']),
  amountMinor: minor,
  capturedMinor: minor,
  refundedMinor: minor,
  declineReason: z.string().max(255).nullable(),
});

/** Unknown fields are let be: a provider adds some. */
const eventSchema = z.object({ id: z.string().min(1).max(255), type: z.string().max(255), charge });
export type TestProviderEvent = z.output<typeof eventSchema>;

/** `t=<unix>,v1=<hex HMAC-SHA256(secret, t + "." + body)>` */
export function signatureOf(secret: string, body: Buffer | string, unixSeconds: number): string {
  return `t=${unixSeconds},v1=${mac(secret, String(unixSeconds), body).toString('hex')}`;
}

/** @throws malformed `signature_invalid`, `validation_failed` */
export function readEvent(secret: string, rawBody: Buffer, headers: IncomingHttpHeaders): TestProviderEvent {
  if (!isSigned(secret, rawBody, headers)) {
    throw malformed('signature_invalid', 'The signature is missing, wrong or too old.');
  }
  return parse(eventSchema, parseJson(rawBody), 'body');
}

function isSigned(secret: string, rawBody: Buffer, headers: IncomingHttpHeaders): boolean {
  const header = headers[SIGNATURE_HEADER.toLowerCase()];
  const [, time = '', given = ''] =
    /^t=(\d{1,12}),v1=([0-9a-f]{64})$/.exec(typeof header === 'string' ? header : '') ?? [];
  const isFresh = Math.abs(Date.now() / 1000 - Number(time)) <= TOLERANCE_SECONDS;
  return given !== '' && timingSafeEqual(Buffer.from(given, 'hex'), mac(secret, time, rawBody)) && isFresh;
}

const mac = (secret: string, time: string, body: Buffer | string): Buffer =>
  createHmac('sha256', secret).update(`${time}.`).update(body).digest();

function parseJson(rawBody: Buffer): unknown {
  try {
    return JSON.parse(rawBody.toString());
  } catch {
    throw validationFailed([{ pointer: '', code: 'invalid_json', message: 'The event is not valid JSON.' }]);
  }
}
