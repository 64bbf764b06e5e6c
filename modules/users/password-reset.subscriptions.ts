// Facts after which somebody waits for a mail to choose a new password.
import { subscription, type Subscription } from '../../shared/events/dispatcher.ts';
import type { PasswordResetService } from './password-reset.service.ts';

/** No account has the address: nothing to do, and nobody can tell from outside. */
export const passwordResetSubscriptions = (resets: PasswordResetService): Subscription[] => [
  subscription('users.password-reset-mail', 'user.password_reset_requested', async ({ payload: { userId } }) => {
    if (userId !== null) await resets.sendToken(userId);
  }),
];
