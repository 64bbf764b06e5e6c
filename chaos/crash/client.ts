// A client as our documents ask for: it sends the same key again after a lost connection, a 503, and a key in progress.
import { createHmac } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

const API = '/api/v1';
const PATIENCE_MS = 20_000;
const POLL_MS = 25;

/** `isEvent`: of the provider's, which signs it instead of logging in, and sends it again until it is heard. */
export type Call = { path: string; body: object; isEvent?: true };
export type Answer = { status: number; body: unknown; data: Record<string, unknown>; replayed: boolean };
export type Sending = { token: string; key?: string; requestId?: string };

export const PROVIDER_SECRET = 'crash-only-provider-secret';

/** Null: the connection died, and nobody knows. */
export async function post(
  url: string,
  { path, body, isEvent }: Call,
  { token, key, requestId }: Sending,
): Promise<Answer | null> {
  const headers = {
    'Content-Type': 'application/json',
    ...(isEvent === true ? { 'Waybill-Test-Signature': signatureOf(body) } : { Authorization: `Bearer ${token}` }),
    ...(key !== undefined && isEvent === undefined && { 'Idempotency-Key': key }),
    ...(requestId !== undefined && { 'X-Request-Id': requestId }),
  };
  try {
    const response = await fetch(`${url}${API}${path}`, {
      method: 'POST',
      headers,
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    return await answerOf(response);
  } catch {
    return null;
  }
}

/** Until there is an answer that is one; `whileInProgress` is asked to let time pass. */
export async function insist(
  url: string,
  call: Call,
  sending: Sending,
  whileInProgress: () => Promise<void>,
): Promise<Answer> {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const answer = await post(url, call, sending);
    const isInProgress = answer?.status === 409 && codeOf(answer) === 'idempotency_in_progress';
    if (answer !== null && answer.status !== 503 && !isInProgress) return answer;
    if (Date.now() > deadline)
      throw new Error(`no answer to ${call.path} in 20 s; the last: ${JSON.stringify(answer)}`);
    if (isInProgress) await whileInProgress();
    await sleep(POLL_MS);
  }
}

/** Throws unless the answer is a success: for what only prepares a scenario. */
export async function must(answer: Promise<Answer | null>): Promise<Answer> {
  const given = await answer;
  if (given === null || given.status >= 400) throw new Error(`the preparation failed: ${JSON.stringify(given)}`);
  return given;
}

export const codeOf = ({ body }: Answer): unknown => (body as { code?: unknown }).code;

function signatureOf(body: object): string {
  const at = Math.floor(Date.now() / 1000);
  const mac = createHmac('sha256', PROVIDER_SECRET)
    .update(`${at}.${JSON.stringify(body)}`)
    .digest('hex');
  return `t=${at},v1=${mac}`;
}

async function answerOf(response: Response): Promise<Answer> {
  const text = await response.text();
  const body = (text === '' ? {} : JSON.parse(text)) as { data?: Record<string, unknown> };
  return {
    status: response.status,
    body,
    data: body.data ?? {},
    replayed: response.headers.get('idempotency-replayed') === 'true',
  };
}
