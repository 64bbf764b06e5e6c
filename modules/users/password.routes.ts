// The API of passwords at a glance.
import { route, type Route } from '../../shared/http/route.ts';
import type { AttemptLimits } from './attempt.limits.ts';
import type { PasswordController } from './password.controller.ts';
import { changeMyPassword } from './password.validation.ts';

export const passwordRoutes = (passwords: PasswordController, limits: AttemptLimits): Route[] => [
  route('post', '/users/me/password', ['account:own'], changeMyPassword, passwords.postMyPassword, {
    before: limits.changePassword,
  }),
];
