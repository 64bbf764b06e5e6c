// How a login's tokens go out.
import { z } from 'zod';

export const tokensSchema = z
  .object({
    accessToken: z.string().meta({ description: 'Goes into `Authorization: Bearer …`' }),
    refreshToken: z.string().meta({ description: 'Opaque; good for one refresh, which gives its successor' }),
    tokenType: z.literal('Bearer'),
    expiresIn: z.int().meta({ description: 'Seconds until the access token expires' }),
  })
  .meta({ id: 'Tokens', description: 'What a login is carried on with' });

export type TokensView = z.output<typeof tokensSchema>;

export const presentTokens = (accessToken: string, refreshToken: string, expiresIn: number): TokensView => ({
  accessToken,
  refreshToken,
  tokenType: 'Bearer',
  expiresIn,
});
