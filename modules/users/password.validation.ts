// What may come in about passwords.
import { z } from 'zod';
import type { Operation } from '../../shared/http/route.ts';
import { givenPassword } from './session.validation.ts';
import { newPassword } from './user.validation.ts';

const passwordChange = z.strictObject({ currentPassword: givenPassword, newPassword }).meta({
  id: 'PasswordChange',
  examples: [{ currentPassword: 'correct horse battery', newPassword: 'staple green umbrella' }],
});

export type PasswordChange = z.output<typeof passwordChange>;

export const changeMyPassword = {
  operationId: 'changeMyPassword',
  summary: 'Change your password',
  description:
    'Ends all your sessions, also the one you are calling with: log in again with the new password. Every attempt counts against two limits: one per account, one per network address.',
  body: passwordChange,
  answers: { 204: null },
  problems: { 422: ['current_password_wrong'], 503: ['password_hashing_busy'] },
} satisfies Operation;
