// What may come in about the verification of an e-mail address.
import { z } from 'zod';
import type { Operation } from '../../shared/http/route.ts';
import { oneTimeToken } from './one-time-token.validation.ts';

const verification = z.strictObject({ token: oneTimeToken }).meta({
  id: 'EmailVerification',
  examples: [{ token: 'dGhpcy10b2tlbi1jYW1lLWJ5LW1haWwtYW5kLWlzLW9uZQ' }],
});

export const verifyEmail = {
  operationId: 'verifyEmail',
  summary: 'Verify your e-mail address',
  description:
    'With the token of the mail that followed your registration. Nothing depends on it: you can log in and order before. Every attempt counts against two limits: one per token, one per network address.',
  body: verification,
  answers: { 204: null },
  problems: { 422: ['verification_token_invalid'] },
} satisfies Operation;
