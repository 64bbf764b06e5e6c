// Logins over HTTP.
import { noContent, ok, okPage } from '../../shared/http/reply.ts';
import type { Handler } from '../../shared/http/route.ts';
import type { SessionService } from './session.service.ts';
import type { listMySessions, logIn, logOut, refreshTokens, revokeMySession } from './session.validation.ts';

export class SessionController {
  private readonly sessions: SessionService;

  constructor(sessions: SessionService) {
    this.sessions = sessions;
  }

  readonly postLogin: Handler<typeof logIn, 'public'> = async ({ body }) => ok(await this.sessions.logIn(body));

  readonly postRefresh: Handler<typeof refreshTokens, 'public'> = async ({ body }) =>
    ok(await this.sessions.refresh(body.refreshToken));

  readonly postLogout: Handler<typeof logOut> = async ({ actor }) => {
    await this.sessions.logOut(actor);
    return noContent();
  };

  readonly getMySessions: Handler<typeof listMySessions> = async ({ actor, query }) =>
    okPage(await this.sessions.list(actor, query));

  readonly deleteMySession: Handler<typeof revokeMySession> = async ({ actor, params }) => {
    await this.sessions.revoke(actor, params.id);
    return noContent();
  };
}
