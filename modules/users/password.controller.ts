// Passwords over HTTP.
import { noContent } from '../../shared/http/reply.ts';
import type { Handler } from '../../shared/http/route.ts';
import type { PasswordService } from './password.service.ts';
import type { changeMyPassword } from './password.validation.ts';

export class PasswordController {
  private readonly passwords: PasswordService;

  constructor(passwords: PasswordService) {
    this.passwords = passwords;
  }

  readonly postMyPassword: Handler<typeof changeMyPassword> = async ({ actor, body }) => {
    await this.passwords.change(actor, body);
    return noContent();
  };
}
