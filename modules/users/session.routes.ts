// The API of logins at a glance.
import { route, type Route } from '../../shared/http/route.ts';
import type { AttemptLimits } from './attempt.limits.ts';
import type { SessionController } from './session.controller.ts';
import { listMySessions, logIn, logOut, refreshTokens, revokeMySession } from './session.validation.ts';

export const sessionRoutes = (sessions: SessionController, { login, refresh }: AttemptLimits): Route[] => [
  route('post', '/auth/login', 'public', logIn, sessions.postLogin, { before: login }),
  route('post', '/auth/refresh', 'public', refreshTokens, sessions.postRefresh, { before: refresh }),
  route('post', '/auth/logout', ['account:own'], logOut, sessions.postLogout),
  route('get', '/users/me/sessions', ['account:own'], listMySessions, sessions.getMySessions),
  route('delete', '/users/me/sessions/{id}', ['account:own'], revokeMySession, sessions.deleteMySession),
];
