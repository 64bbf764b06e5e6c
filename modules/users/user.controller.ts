// Accounts over HTTP.
import { created, okVersioned } from '../../shared/http/reply.ts';
import type { Handler } from '../../shared/http/route.ts';
import type { UserService } from './user.service.ts';
import type { changeMyAccount, getMyAccount, registerUser } from './user.validation.ts';

export class UserController {
  private readonly users: UserService;

  constructor(users: UserService) {
    this.users = users;
  }

  readonly postUser: Handler<typeof registerUser, 'public'> = async ({ body }) =>
    created(await this.users.register(body), '/users/me');

  readonly getMe: Handler<typeof getMyAccount> = async ({ actor }) => okVersioned(await this.users.find(actor.userId));

  readonly patchMe: Handler<typeof changeMyAccount> = async ({ actor, ifMatch, body }) =>
    okVersioned(await this.users.rename(actor, ifMatch, body));
}
