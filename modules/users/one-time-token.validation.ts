// What a one-time token looks like as it comes back from a mail.
import { z } from 'zod';

/** Any text of its length: whether it is one of ours is not for the schema to say. */
export const oneTimeToken = z
  .string()
  .min(1)
  .max(128)
  .meta({ description: 'From the mail; good once', examples: ['dGhpcy10b2tlbi1jYW1lLWJ5LW1haWwtYW5kLWlzLW9uZQ'] });
