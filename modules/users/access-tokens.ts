// Access tokens: JWTs that name a session for some minutes; what its user may do is never in them.
import { createSecretKey, type KeyObject } from 'node:crypto';
import { errors, jwtVerify, SignJWT } from 'jose';
import { z } from 'zod';
import { unauthenticated } from '../../shared/errors/app-error.ts';

export type AccessClaims = { userId: string; sessionId: string };

const ALGORITHM = 'HS256';
const ISSUER = 'waybill';
const AUDIENCE = 'waybill-api';
/** RFC 9068: no other kind of JWT under this key passes for an access token. */
const TYPE = 'at+jwt';

/** All of them, or jose accepts a token for others, without an end, or of another kind. */
const demands = {
  algorithms: [ALGORITHM],
  issuer: ISSUER,
  audience: AUDIENCE,
  typ: TYPE,
  requiredClaims: ['exp', 'sub', 'sid'],
};

const claims = z.object({ sub: z.uuid(), sid: z.uuid() });

export class AccessTokens {
  readonly ttlSeconds: number;
  private readonly key: KeyObject;

  constructor({ secret, ttlMs }: { secret: string; ttlMs: number }) {
    this.key = createSecretKey(secret, 'utf8');
    this.ttlSeconds = Math.floor(ttlMs / 1000);
  }

  issue({ userId, sessionId }: AccessClaims): Promise<string> {
    return new SignJWT({ sid: sessionId })
      .setProtectedHeader({ alg: ALGORITHM, typ: TYPE })
      .setSubject(userId)
      .setIssuer(ISSUER)
      .setAudience(AUDIENCE)
      .setIssuedAt()
      .setExpirationTime(`${this.ttlSeconds} seconds`)
      .sign(this.key);
  }

  /** @throws unauthenticated `token_expired`, `token_invalid` */
  async read(token: string): Promise<AccessClaims> {
    const { payload } = await jwtVerify(token, this.key, demands).catch((error: unknown) => {
      throw error instanceof errors.JWTExpired ? tokenExpired() : tokenInvalid();
    });
    const read = claims.safeParse(payload);
    if (!read.success) throw tokenInvalid();
    return { userId: read.data.sub, sessionId: read.data.sid };
  }
}

export const tokenInvalid = () => unauthenticated('token_invalid', 'This access token is not, or no longer, valid.');

const tokenExpired = () => unauthenticated('token_expired', 'This access token has expired; refresh it.');
