// What the pipeline knows of a request by the time a route sees it: `response.locals`, typed.
import type { AppError } from '../errors/app-error.ts';
import type { Actor } from './actor.ts';

/** `refusedToken` is thrown only by routes that look at the caller: a spent token must not stop its own refresh. */
export type Caller = { actor: Actor | null; refusedToken: AppError | null };

declare global {
  // oxlint-disable-next-line typescript/no-namespace -- Express is extended by declaration merging only
  namespace Express {
    interface Locals {
      requestId: string;
      caller: Caller;
      /** The error code of the answer, if it is a problem. */
      problemCode?: string;
    }
  }
}
