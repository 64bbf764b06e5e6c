// What somebody who forgot a password is told: nothing about the address.
import { z } from 'zod';

export const resetRequestSchema = z
  .object({
    sendsMail: z
      .boolean()
      .meta({ description: 'Whether this server sends mail at all; false: ask the shop for help instead' }),
  })
  .meta({ id: 'PasswordResetRequested' });

export type ResetRequestView = z.output<typeof resetRequestSchema>;
