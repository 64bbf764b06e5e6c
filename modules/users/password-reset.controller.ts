// Forgotten passwords over HTTP.
import { accepted, noContent } from '../../shared/http/reply.ts';
import type { Handler } from '../../shared/http/route.ts';
import type { PasswordResetService } from './password-reset.service.ts';
import type { forgetPassword, resetPassword } from './password-reset.validation.ts';

export class PasswordResetController {
  private readonly resets: PasswordResetService;

  constructor(resets: PasswordResetService) {
    this.resets = resets;
  }

  readonly postForgotPassword: Handler<typeof forgetPassword, 'public'> = async ({ body }) =>
    accepted(await this.resets.request(body.email));

  readonly postResetPassword: Handler<typeof resetPassword, 'public'> = async ({ body }) => {
    await this.resets.reset(body);
    return noContent();
  };
}
