// What may come in about forgotten passwords.
import { z } from 'zod';
import type { Operation } from '../../shared/http/route.ts';
import { oneTimeToken } from './one-time-token.validation.ts';
import { resetRequestSchema } from './password-reset.view.ts';
import { email, newPassword } from './user.validation.ts';

const forgotten = z.strictObject({ email }).meta({ id: 'ForgottenPassword', examples: [{ email: 'ada@example.com' }] });

const passwordReset = z.strictObject({ token: oneTimeToken, newPassword }).meta({
  id: 'PasswordReset',
  examples: [{ token: 'dGhpcy10b2tlbi1jYW1lLWJ5LW1haWwtYW5kLWlzLW9uZQ', newPassword: 'staple green umbrella' }],
});

export type PasswordReset = z.output<typeof passwordReset>;

export const forgetPassword = {
  operationId: 'forgetPassword',
  summary: 'Ask for a new password',
  description:
    'If the address belongs to an account, a mail with a token follows. The answer is the same if it does not. Every attempt counts against two limits: one per e-mail address, one per network address.',
  body: forgotten,
  answers: { 202: resetRequestSchema },
} satisfies Operation;

export const resetPassword = {
  operationId: 'resetPassword',
  summary: 'Choose a new password with the token of a mail',
  description:
    'Ends all sessions of the account. Every attempt counts against two limits: one per token, one per network address.',
  body: passwordReset,
  answers: { 204: null },
  problems: { 422: ['reset_token_invalid'], 503: ['password_hashing_busy'] },
} satisfies Operation;
