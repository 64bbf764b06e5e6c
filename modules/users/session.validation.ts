// What may come in about logins.
import { z } from 'zod';
import type { Operation } from '../../shared/http/route.ts';
import { idParams, pageQuery } from '../../shared/http/schemas.ts';
import { PASSWORD_LENGTH_MAX, passwordLength } from './password.ts';
import { sessionSchema, tokensSchema } from './session.view.ts';
import { email } from './user.validation.ts';

/** Any password that might once have been accepted: whether it is right is not for the schema to say. */
export const givenPassword = z
  .string()
  .min(1)
  .refine((password) => passwordLength(password) <= PASSWORD_LENGTH_MAX, {
    error: 'At most 128 characters.',
    params: { code: 'too_big' },
  })
  .meta({ override: { type: 'string', minLength: 1, maxLength: PASSWORD_LENGTH_MAX, format: 'password' } });

const credentials = z
  .strictObject({ email, password: givenPassword })
  .meta({ id: 'Credentials', examples: [{ email: 'ada@example.com', password: 'correct horse battery' }] });

const refreshment = z.strictObject({ refreshToken: z.string().min(1).max(512) }).meta({
  id: 'Refreshment',
  examples: [{ refreshToken: 'AZOdOnwee3uPAAAAAAAAAQAAAAFyZWZyZXNoLXRva2Vucy1hcmUtb3BhcXVlLXRleHQuLi4' }],
});

const listQuery = z.strictObject(pageQuery);

export type CredentialsGiven = z.output<typeof credentials>;
export type ListMySessions = z.output<typeof listQuery>;

export const logIn = {
  operationId: 'logIn',
  summary: 'Log in',
  description: 'Every attempt counts against two limits: one per account, one per network address.',
  body: credentials,
  answers: { 200: tokensSchema },
  problems: { 401: ['credentials_invalid'], 503: ['password_hashing_busy'] },
} satisfies Operation;

export const refreshTokens = {
  operationId: 'refreshTokens',
  summary: 'Get new tokens for a login',
  description:
    'Each refresh token is good once. Sent again within seconds (two tabs), it gets the same successor; sent again later, it ends the session.',
  body: refreshment,
  answers: { 200: tokensSchema },
  problems: { 401: ['refresh_token_invalid'] },
} satisfies Operation;

export const logOut = {
  operationId: 'logOut',
  summary: 'Log out',
  description: 'Ends the session of the access token: its refresh token is of no more use.',
  answers: { 204: null },
} satisfies Operation;

export const listMySessions = {
  operationId: 'listMySessions',
  summary: 'Where you are logged in, newest first',
  query: listQuery,
  answers: { 200: [sessionSchema] },
} satisfies Operation;

export const revokeMySession = {
  operationId: 'revokeMySession',
  summary: 'Log out somewhere else',
  description: 'Ends one of your sessions; the one you are calling with is ended like by logging out.',
  params: idParams,
  answers: { 204: null },
  problems: { 404: ['session_not_found'] },
} satisfies Operation;
