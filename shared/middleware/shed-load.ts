// When there is more than can be done, turns away at once what can wait; never what stock or money waits for.
import { Router, type RequestHandler } from 'express';
import { unavailable } from '../errors/app-error.ts';
import { expressPath, type Operation, type Route } from '../http/route.ts';
import type { Load, Priority } from '../metrics/load.ts';

type OnShed = (priority: Priority) => void;

/** At the door: who is turned away costs nothing but the answer. No token, limit or body is looked at. */
export function turnAway(routes: Route[], load: Load, onShed: OnShed): RequestHandler {
  const judge = Router({ caseSensitive: true, strict: true });
  for (const { method, path, operation } of routes) {
    judge[method](expressPath(path), (_request, _response, next) => {
      requireRoom(operation, load, onShed);
      next('router');
    });
  }
  return (request, response, next) => (load.takes('low') ? next() : judge(request, response, next));
}

/** Where the work begins, once all has been read: a body that comes slowly takes up nobody's room. */
export const admit =
  (load: Load, onShed: OnShed) =>
  (operation: Operation): RequestHandler =>
  (_request, response, next) => {
    requireRoom(operation, load, onShed);
    response.once('close', load.begin(priorityOf(operation)));
    next();
  };

const priorityOf = ({ priority = 'normal' }: Operation): Priority => priority;

function requireRoom(operation: Operation, load: Load, onShed: OnShed): void {
  const priority = priorityOf(operation);
  if (load.takes(priority)) return;
  onShed(priority);
  throw unavailable('overloaded', 'There is more to do than can be done just now.', { retryAfterSeconds: 1 });
}
