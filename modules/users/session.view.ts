// How a login and its tokens go out.
import { z } from 'zod';
import { timestamp } from '../../shared/http/schemas.ts';
import type { Session } from './session.ts';

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

export const sessionSchema = z
  .object({
    id: z.uuid(),
    createdAt: timestamp.meta({ description: 'When you logged in' }),
    lastUsedAt: timestamp.meta({
      description: 'When its tokens were last made: as exact as an access token is long-lived',
    }),
    address: z.string().nullable().meta({ description: 'The network address from which that was' }),
    current: z.boolean().meta({ description: 'Whether it is the one you are calling with' }),
  })
  .meta({ id: 'Session', description: 'A login that is open' });

export type SessionView = z.output<typeof sessionSchema>;

export const presentSession = (
  { id, createdAt, lastUsedAt, address }: Session,
  currentSessionId: string,
): SessionView => ({
  id,
  createdAt: createdAt.toISOString(),
  lastUsedAt: lastUsedAt.toISOString(),
  address,
  current: id === currentSessionId,
});
