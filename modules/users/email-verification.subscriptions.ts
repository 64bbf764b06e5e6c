// Facts after which somebody has an address to verify.
import { subscription, type Subscription } from '../../shared/events/dispatcher.ts';
import type { EmailVerificationService } from './email-verification.service.ts';

export const emailVerificationSubscriptions = (verification: EmailVerificationService): Subscription[] => [
  subscription('users.verification-mail', 'user.registered', ({ payload }) => verification.sendToken(payload.userId)),
];
