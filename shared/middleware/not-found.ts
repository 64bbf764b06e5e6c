// The last route: nothing here.
import type { RequestHandler } from 'express';
import { notFound } from '../errors/app-error.ts';

export const routeNotFound = (): RequestHandler => () => {
  throw notFound('route_not_found', 'There is nothing at this path.');
};
