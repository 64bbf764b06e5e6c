// What a person gets to see of what we hold: the rows of the other modules look as their own operations show them.
import { z } from 'zod';
import { userSchema } from './user.view.ts';

const rows = z.array(z.looseObject({}));

export const exportSchema = z
  .object({
    profile: userSchema,
    addresses: rows.meta({ description: 'As GET /users/me/addresses shows them' }),
    sessions: rows.meta({ description: 'Where you are logged in' }),
    orders: rows.meta({ description: 'As GET /orders shows them, with their lines, newest first' }),
    payments: rows.meta({ description: 'As GET /payments/{id} shows them, newest first' }),
  })
  .meta({ id: 'PersonalData', description: 'All that is held about one person' });
