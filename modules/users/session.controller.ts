// Logins over HTTP.
import { noContent, ok } from '../../shared/http/reply.ts';
import type { Handler } from '../../shared/http/route.ts';
import { sessionOf, type SessionService } from './session.service.ts';
import type { logIn, logOut, refreshTokens } from './session.validation.ts';

export class SessionController {
  private readonly sessions: SessionService;

  constructor(sessions: SessionService) {
    this.sessions = sessions;
  }

  readonly postLogin: Handler<typeof logIn, 'public'> = async ({ body }) => ok(await this.sessions.logIn(body));

  readonly postRefresh: Handler<typeof refreshTokens, 'public'> = async ({ body }) =>
    ok(await this.sessions.refresh(body.refreshToken));

  readonly postLogout: Handler<typeof logOut> = async ({ actor }) => {
    await this.sessions.logOut(sessionOf(actor));
    return noContent();
  };
}
