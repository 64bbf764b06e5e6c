// The API of e-mail verification at a glance.
import { route, type Route } from '../../shared/http/route.ts';
import type { AttemptLimits } from './attempt.limits.ts';
import type { EmailVerificationController } from './email-verification.controller.ts';
import { verifyEmail } from './email-verification.validation.ts';

export const emailVerificationRoutes = (
  verification: EmailVerificationController,
  { verifyEmail: before }: AttemptLimits,
): Route[] => [route('post', '/auth/verify-email', 'public', verifyEmail, verification.postVerifyEmail, { before })];
