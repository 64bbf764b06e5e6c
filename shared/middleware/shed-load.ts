// When there is more than can be done, turns away at once what can wait; never what stock or money waits for.
import { Router, type RequestHandler } from 'express';
import { unavailable } from '../errors/app-error.ts';
import { expressPath, type Priority, type Route } from '../http/route.ts';
import type { Level, Load } from '../metrics/load.ts';

/** A turned-away request costs nothing but its answer: this stands before tokens, limits and bodies. */
export function shedLoad(routes: Route[], load: Load, onShed: (priority: Priority) => void): RequestHandler {
  const judge = Router({ caseSensitive: true, strict: true });
  for (const { method, path, operation } of routes) {
    const { priority = 'normal' } = operation;
    judge[method](expressPath(path), (_request, _response, next) => {
      if (!isShed(priority, load.level)) return next('router');
      onShed(priority);
      throw unavailable('overloaded', 'There is more to do than can be done just now.', { retryAfterSeconds: 1 });
    });
  }
  return (request, response, next) => (load.level === 'calm' ? next() : judge(request, response, next));
}

/** The pure rule. */
export function isShed(priority: Priority, level: Level): boolean {
  if (priority === 'vital' || level === 'calm') return false;
  return priority === 'low' || level === 'overloaded';
}
