// The API of a person's own data at a glance.
import { route, type Route } from '../../shared/http/route.ts';
import type { PrivacyController } from './privacy.controller.ts';
import { deleteMyAccount, exportMyData } from './privacy.validation.ts';

export const privacyRoutes = (privacy: PrivacyController): Route[] => [
  route('delete', '/users/me', ['account:own'], deleteMyAccount, privacy.deleteMe),
  route('get', '/users/me/export', ['account:own'], exportMyData, privacy.getExport),
];
