// The API of forgotten passwords at a glance.
import { route, type Route } from '../../shared/http/route.ts';
import type { AttemptLimits } from './attempt.limits.ts';
import type { PasswordResetController } from './password-reset.controller.ts';
import { forgetPassword, resetPassword } from './password-reset.validation.ts';

export const passwordResetRoutes = (resets: PasswordResetController, limits: AttemptLimits): Route[] => [
  route('post', '/auth/forgot-password', 'public', forgetPassword, resets.postForgotPassword, {
    before: limits.forgetPassword,
  }),
  route('post', '/auth/reset-password', 'public', resetPassword, resets.postResetPassword, {
    before: limits.resetPassword,
  }),
];
