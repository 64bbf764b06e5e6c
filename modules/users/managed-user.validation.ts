// What may come in about accounts from staff.
import { z } from 'zod';
import type { Operation } from '../../shared/http/route.ts';
import { idParams, pageQuery } from '../../shared/http/schemas.ts';
import { userStatuses } from './managed-user.ts';
import { managedUserSchema } from './managed-user.view.ts';
import { roles } from './roles.ts';
import { email } from './user.validation.ts';

const role = z.enum(roles);
const status = z.enum(userStatuses);

const listQuery = z.strictObject({
  ...pageQuery,
  email: email.optional().meta({ description: 'Of this address' }),
  role: role.optional().meta({ description: 'With this role', examples: ['support'] }),
  status: status.optional().meta({ description: 'In this state', examples: ['active'] }),
});

const standingChanges = z
  .strictObject({ role: role.optional(), status: status.exclude(['deleted']).optional() })
  .refine((changes) => Object.keys(changes).length > 0, {
    error: 'Say at least one thing to change.',
    params: { code: 'empty_patch' },
  })
  .meta({ id: 'UserPatch', examples: [{ role: 'support' }], minProperties: 1 });

export type ListUsers = z.output<typeof listQuery>;
export type StandingChanges = z.output<typeof standingChanges>;

export const listUsers = {
  operationId: 'listUsers',
  summary: 'Accounts, newest first',
  description: 'By e-mail address (the whole of it), role and status.',
  query: listQuery,
  answers: { 200: [managedUserSchema] },
} satisfies Operation;

export const getUser = {
  operationId: 'getUser',
  summary: 'One account',
  params: idParams,
  answers: { 200: managedUserSchema },
  problems: { 404: ['user_not_found'] },
} satisfies Operation;

export const changeUser = {
  operationId: 'changeUser',
  summary: 'Give somebody another role, disable or enable an account',
  description:
    'Takes effect within a second. Disabling ends every session of the account; a new role ends none, each of them goes on with the new permissions.',
  params: idParams,
  body: standingChanges,
  conditional: true,
  answers: { 200: managedUserSchema },
  problems: { 404: ['user_not_found'], 409: ['last_admin', 'user_deleted'] },
} satisfies Operation;
