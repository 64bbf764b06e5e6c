// How an account goes out to staff.
import { z } from 'zod';
import { timestamp } from '../../shared/http/schemas.ts';
import type { ManagedUser } from './managed-user.ts';
import { userStatuses } from './managed-user.ts';
import { presentUser, userSchema } from './user.view.ts';

export const managedUserSchema = userSchema
  .extend({
    status: z
      .enum(userStatuses)
      .meta({ description: 'Who is disabled can neither log in nor go on; of who is deleted only the id is left' }),
    updatedAt: timestamp,
  })
  .meta({ id: 'ManagedUser', description: 'An account as staff see it' });

export type ManagedUserView = z.output<typeof managedUserSchema>;

export const presentManagedUser = (user: ManagedUser): ManagedUserView => ({
  ...presentUser(user),
  status: user.status,
  updatedAt: user.updatedAt.toISOString(),
});
