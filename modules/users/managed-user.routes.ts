// The API of accounts for staff at a glance.
import { route, type Route } from '../../shared/http/route.ts';
import type { ManagedUserController } from './managed-user.controller.ts';
import { changeUser, getUser, listUsers } from './managed-user.validation.ts';

export const managedUserRoutes = (users: ManagedUserController): Route[] => [
  route('get', '/users', ['users:read'], listUsers, users.getUsers),
  route('get', '/users/{id}', ['users:read'], getUser, users.getUser),
  route('patch', '/users/{id}', ['users:write'], changeUser, users.patchUser),
];
