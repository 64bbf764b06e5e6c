// How an account goes out to its owner.
import { z } from 'zod';
import { timestamp, version } from '../../shared/http/schemas.ts';
import { roles } from './roles.ts';
import type { User } from './user.ts';

export const userSchema = z
  .object({
    id: z.uuid(),
    email: z.string().meta({ description: 'Lower-cased' }),
    emailVerified: z.boolean().meta({ description: 'Nothing depends on it' }),
    name: z.string(),
    role: z.enum(roles),
    createdAt: timestamp,
    version,
  })
  .meta({ id: 'User', description: 'An account' });

export type UserView = z.output<typeof userSchema>;

export const presentUser = ({ id, email, emailVerified, name, role, createdAt, version }: User): UserView => ({
  id,
  email,
  emailVerified,
  name,
  role,
  createdAt: createdAt.toISOString(),
  version,
});
