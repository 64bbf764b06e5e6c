// E-mail verification over HTTP.
import { noContent } from '../../shared/http/reply.ts';
import type { Handler } from '../../shared/http/route.ts';
import type { EmailVerificationService } from './email-verification.service.ts';
import type { verifyEmail } from './email-verification.validation.ts';

export class EmailVerificationController {
  private readonly verification: EmailVerificationService;

  constructor(verification: EmailVerificationService) {
    this.verification = verification;
  }

  readonly postVerifyEmail: Handler<typeof verifyEmail, 'public'> = async ({ body }) => {
    await this.verification.verify(body.token);
    return noContent();
  };
}
