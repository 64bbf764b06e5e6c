// Access tokens: JWTs that name a session for some minutes; what its user may do is never in them.
import { createSecretKey, hash, type KeyObject } from 'node:crypto';
import { errors, jwtVerify, SignJWT } from 'jose';
import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import { unauthenticated } from '../../shared/errors/app-error.ts';

export type AccessClaims = { userId: string; sessionId: string };
/** `exp` in seconds, as in the token. */
type Verified = { claims: AccessClaims; exp: number };

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

const claims = z.object({ sub: z.uuid(), sid: z.uuid(), exp: z.number() });

export class AccessTokens {
  readonly ttlSeconds: number;
  private readonly key: KeyObject;
  /** Good ones only, by hash: what was signed stays signed. Whether its session lives is the TokenVerifier's to ask. */
  private readonly verified = new LRUCache<string, Verified>({ max: 5000 });

  /** What time it is, in milliseconds since 1970: of the database, on which all processes agree. */
  private readonly now: () => number;

  constructor({ secret, ttlMs, now = () => Date.now() }: { secret: string; ttlMs: number; now?: () => number }) {
    this.key = createSecretKey(secret, 'utf8');
    this.ttlSeconds = Math.floor(ttlMs / 1000);
    this.now = now;
  }

  issue({ userId, sessionId }: AccessClaims): Promise<string> {
    const issuedAt = this.nowSeconds();
    return new SignJWT({ sid: sessionId })
      .setProtectedHeader({ alg: ALGORITHM, typ: TYPE })
      .setSubject(userId)
      .setIssuer(ISSUER)
      .setAudience(AUDIENCE)
      .setIssuedAt(issuedAt)
      .setExpirationTime(issuedAt + this.ttlSeconds)
      .sign(this.key);
  }

  /** @throws unauthenticated `token_expired`, `token_invalid` */
  async read(token: string): Promise<AccessClaims> {
    const digest = hash('sha256', token, 'base64url');
    const known = this.verified.get(digest);
    if (known !== undefined && this.nowSeconds() < known.exp) return known.claims;
    const verified = await this.verify(token);
    this.verified.set(digest, verified);
    return verified.claims;
  }

  private nowSeconds(): number {
    return Math.floor(this.now() / 1000);
  }

  private async verify(token: string): Promise<Verified> {
    const currentDate = new Date(this.now());
    const { payload } = await jwtVerify(token, this.key, { ...demands, currentDate }).catch((error: unknown) => {
      throw error instanceof errors.JWTExpired ? tokenExpired() : tokenInvalid();
    });
    const read = claims.safeParse(payload);
    if (!read.success) throw tokenInvalid();
    const { sub: userId, sid: sessionId, exp } = read.data;
    return { claims: { userId, sessionId }, exp };
  }
}

export const tokenInvalid = () => unauthenticated('token_invalid', 'This access token is not, or no longer, valid.');

const tokenExpired = () => unauthenticated('token_expired', 'This access token has expired; refresh it.');
