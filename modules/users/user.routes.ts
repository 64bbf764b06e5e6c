// The API of accounts at a glance.
import { route, type Route } from '../../shared/http/route.ts';
import type { AttemptLimits } from './attempt.limits.ts';
import type { UserController } from './user.controller.ts';
import { changeMyAccount, getMyAccount, registerUser } from './user.validation.ts';

export const userRoutes = (users: UserController, { register }: AttemptLimits): Route[] => [
  route('post', '/users', 'public', registerUser, users.postUser, { before: register }),
  route('get', '/users/me', ['account:own'], getMyAccount, users.getMe),
  route('patch', '/users/me', ['account:own'], changeMyAccount, users.patchMe),
];
