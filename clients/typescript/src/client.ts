// A client of the Waybill API: a method per operation, which signs in, retries and turns pages by itself.
import { operations } from './api.ts';
import { isProblem } from './errors.ts';
import type { Methods, OperationId } from './method.ts';
import {
  prepare,
  send,
  type AnyAnswer,
  type AnyInput,
  type AnyOperation,
  type PreparedRequest,
  type Wire,
} from './request.ts';
import { defaultLimits, wait, waitMsBefore, type RetryLimits } from './retry.ts';
import { Session, type SessionTokens } from './session.ts';

export type ClientOptions = {
  /** Where Waybill is: `https://shop.example.com`. */
  baseUrl: string;
  /** `wb_…`, for a program. People log in instead. */
  apiKey?: string;
  /** Of an earlier login. `logIn` keeps its tokens by itself. */
  tokens?: SessionTokens;
  onTokens?: (tokens: SessionTokens | null) => void;
  retry?: Partial<RetryLimits>;
  /** For one try. */
  timeoutMs?: number;
  fetch?: typeof globalThis.fetch;
};
export type Client = Methods;

const TIMEOUT_MS_DEFAULT = 15_000;

export function createClient(options: ClientOptions): Client {
  const caller = new Caller(options);
  const methodOf = (id: OperationId) =>
    Object.assign((input?: AnyInput) => caller.call(id, input), {
      ...(operations[id].isList && { each: (input?: AnyInput) => caller.each(id, input) }),
    });
  const ids = Object.keys(operations) as OperationId[];
  return Object.fromEntries(ids.map((id) => [id, methodOf(id)])) as unknown as Client;
}

class Caller {
  private readonly wire: Wire;
  private readonly limits: RetryLimits;
  private readonly session: Session;

  constructor({ baseUrl, apiKey, tokens, onTokens, retry, timeoutMs, fetch }: ClientOptions) {
    // Browsers refuse a fetch that is called as the method of another object.
    this.wire = {
      baseUrl,
      timeoutMs: timeoutMs ?? TIMEOUT_MS_DEFAULT,
      fetch: fetch ?? globalThis.fetch.bind(globalThis),
    };
    this.limits = { ...defaultLimits, ...retry };
    this.session = new Session({
      apiKey: apiKey ?? null,
      tokens: tokens ?? null,
      onTokens: onTokens ?? (() => {}),
      refresh: async (refreshToken) => tokensOf(await this.ask('refreshTokens', { body: { refreshToken } })),
    });
  }

  async call(id: OperationId, input: AnyInput = {}): Promise<AnyAnswer> {
    const answer = await this.ask(id, input);
    if (id === 'logIn' || id === 'refreshTokens') this.session.keep(tokensOf(answer));
    if (id === 'logOut') this.session.keep(null);
    return answer;
  }

  async *each(id: OperationId, input: AnyInput = {}): AsyncGenerator {
    let cursor: string | null | undefined = undefined;
    do {
      const query = { ...input.query, ...(cursor && { cursor }) };
      const { data, page }: AnyAnswer = await this.call(id, { ...input, query });
      yield* data as unknown[];
      cursor = page?.nextCursor;
    } while (cursor);
  }

  private async ask(id: OperationId, input: AnyInput): Promise<AnyAnswer> {
    const operation: AnyOperation = operations[id];
    const request = prepare(this.wire.baseUrl, operation, input);
    for (let attempt = 1; ; attempt++) {
      try {
        return await (operation.isPublic ? send(this.wire, request, null) : this.sendSigned(request));
      } catch (error) {
        const waitMs = waitMsBefore(error, attempt, isRepeatable(id), this.limits);
        if (waitMs === null) throw error;
        await wait(waitMs, input.signal);
      }
    }
  }

  private async sendSigned(request: PreparedRequest): Promise<AnyAnswer> {
    const { bearer } = this.session;
    try {
      return await this.sendAs(bearer, request);
    } catch (error) {
      const isRefused = isProblem(error, 'token_expired', 'token_invalid');
      if (!isRefused || !(await this.session.renew(bearer))) throw error;
      return this.sendAs(this.session.bearer, request);
    }
  }

  private sendAs(bearer: string | null, request: PreparedRequest): Promise<AnyAnswer> {
    return send(this.wire, request, bearer && `Bearer ${bearer}`);
  }
}

/** A refresh sent again within seconds gets the same successor. */
const isRepeatable = (id: OperationId): boolean =>
  operations[id].method === 'GET' || operations[id].isIdempotent || id === 'refreshTokens';

function tokensOf({ data }: AnyAnswer): SessionTokens {
  const { accessToken, refreshToken } = data as SessionTokens;
  return { accessToken, refreshToken };
}
