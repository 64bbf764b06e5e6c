// What may come in about accounts.
import { z } from 'zod';
import { text } from '../../shared/http/schemas.ts';
import type { Operation } from '../../shared/http/route.ts';
import { PASSWORD_LENGTH_MAX, PASSWORD_LENGTH_MIN, passwordLength, weaknessOf } from './password.ts';
import { roles } from './roles.ts';
import { userSchema } from './user.view.ts';

/** One account per address, whatever its case. 254 is the longest that mail can carry (RFC 5321). */
export const email = z
  .string()
  .trim()
  .max(254)
  .check(z.email({ error: 'Not an e-mail address.' }))
  .toLowerCase()
  .meta({ description: 'Case does not matter', examples: ['ada@example.com'] });

const name = text(100).meta({ description: 'How the person is called', examples: ['Ada Lovelace'] });

export const newPassword = z
  .string()
  .refine((password) => passwordLength(password) >= PASSWORD_LENGTH_MIN, {
    error: 'At least 8 characters.',
    params: { code: 'too_small' },
  })
  .refine((password) => passwordLength(password) <= PASSWORD_LENGTH_MAX, {
    error: 'At most 128 characters.',
    params: { code: 'too_big' },
  })
  .meta({
    description: 'Not one of the most used, not characters in a row, not your e-mail address',
    override: { type: 'string', minLength: PASSWORD_LENGTH_MIN, maxLength: PASSWORD_LENGTH_MAX, format: 'password' },
    examples: ['correct horse battery'],
  });

type Chosen = { email: string; password: string };

function refuseWeakPassword({ email, password }: Chosen, context: z.RefinementCtx<Chosen>): void {
  const weakness = weaknessOf(password, email);
  if (weakness === null) return;
  context.addIssue({ code: 'custom', path: ['password'], message: weakness, params: { code: 'password_weak' } });
}

const registration = z
  .strictObject({ email, name, password: newPassword })
  .superRefine(refuseWeakPassword)
  .meta({
    id: 'Registration',
    examples: [{ email: 'ada@example.com', name: 'Ada Lovelace', password: 'correct horse battery' }],
  });

const profileChanges = z.strictObject({ name }).meta({ id: 'ProfileChanges', examples: [{ name: 'Ada King' }] });

/** From the command line, which has no other door. */
export const userToCreate = z
  .strictObject({ email, name: name.optional(), password: newPassword, role: z.enum(roles) })
  .superRefine(refuseWeakPassword);

/** Without the strength check: the configuration has its own rule, which grows stricter with the stage. */
export const firstAdmin = z.strictObject({ email, password: newPassword });

export type Registration = z.output<typeof registration>;
export type ProfileChanges = z.output<typeof profileChanges>;
export type UserToCreate = z.input<typeof userToCreate>;
export type FirstAdmin = z.input<typeof firstAdmin>;

export const registerUser = {
  operationId: 'registerUser',
  summary: 'Open an account',
  description: 'Every attempt counts against two limits: one per e-mail address, one per network address.',
  body: registration,
  answers: { 201: userSchema },
  problems: { 409: ['email_taken'], 503: ['password_hashing_busy'] },
} satisfies Operation;

export const getMyAccount = {
  operationId: 'getMyAccount',
  summary: 'See your account',
  answers: { 200: userSchema },
} satisfies Operation;

export const changeMyAccount = {
  operationId: 'changeMyAccount',
  summary: 'Change your name',
  body: profileChanges,
  conditional: true,
  answers: { 200: userSchema },
} satisfies Operation;
