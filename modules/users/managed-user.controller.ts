// Accounts over HTTP, for staff.
import { okPage, okVersioned } from '../../shared/http/reply.ts';
import type { Handler } from '../../shared/http/route.ts';
import type { ManagedUserService } from './managed-user.service.ts';
import type { changeUser, getUser, listUsers } from './managed-user.validation.ts';

export class ManagedUserController {
  private readonly users: ManagedUserService;

  constructor(users: ManagedUserService) {
    this.users = users;
  }

  readonly getUsers: Handler<typeof listUsers> = async ({ query }) => okPage(await this.users.list(query));

  readonly getUser: Handler<typeof getUser> = async ({ params }) => okVersioned(await this.users.get(params.id));

  readonly patchUser: Handler<typeof changeUser> = async ({ actor, params, ifMatch, body }) =>
    okVersioned(await this.users.change(actor, params.id, ifMatch, body));
}
