// Who the client is: an API key, or the tokens of a login, which are renewed once for all calls that find them expired.
import type { Tokens } from './api.ts';
import { isProblem } from './errors.ts';

export type SessionTokens = Pick<Tokens, 'accessToken' | 'refreshToken'>;
type Options = {
  apiKey: string | null;
  tokens: SessionTokens | null;
  /** Told of every change, so that they can be stored; null when the login has ended. */
  onTokens: (tokens: SessionTokens | null) => void;
  refresh: (refreshToken: string) => Promise<SessionTokens>;
};

export class Session {
  private readonly options: Options;
  private tokens: SessionTokens | null;
  private renewal: Promise<boolean> | null = null;

  constructor(options: Options) {
    this.options = options;
    this.tokens = options.tokens;
  }

  get bearer(): string | null {
    return this.options.apiKey ?? this.tokens?.accessToken ?? null;
  }

  keep(tokens: SessionTokens | null): void {
    this.tokens = tokens;
    this.options.onTokens(tokens);
  }

  /** True when there is another token than `refused` to try with. */
  async renew(refused: string | null): Promise<boolean> {
    if (this.bearer !== refused) return this.bearer !== null;
    if (this.tokens === null || this.options.apiKey !== null) return false;
    this.renewal ??= this.refresh(this.tokens.refreshToken).finally(() => (this.renewal = null));
    return this.renewal;
  }

  private async refresh(refreshToken: string): Promise<boolean> {
    try {
      this.keep(await this.options.refresh(refreshToken));
      return true;
    } catch (error) {
      if (!isProblem(error, 'refresh_token_invalid')) throw error;
      this.keep(null);
      return false;
    }
  }
}
