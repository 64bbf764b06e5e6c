// The face of the users module: accounts, roles and sessions.
import type { Caches } from '../../shared/cache/caches.ts';
import type { Database } from '../../shared/database/database.ts';
import type { MigrationSource } from '../../shared/database/migrate.ts';
import type { Audit } from '../../shared/domain/audit.ts';
import type { Subscription } from '../../shared/events/dispatcher.ts';
import type { Outbox } from '../../shared/events/outbox.ts';
import type { VerifyToken } from '../../shared/http/actor.ts';
import type { Route } from '../../shared/http/route.ts';
import type { RecurringJob } from '../../shared/jobs/jobs.ts';
import { resting, type HitCounter } from '../../shared/limits/hit-counter.ts';
import { SharedCounter } from '../../shared/limits/shared-counter.ts';
import type { Logger } from '../../shared/logging/logger.ts';
import type { Mailer } from '../../shared/mail/mailer.ts';
import { AccessTokens } from './access-tokens.ts';
import { AddressController } from './address.controller.ts';
import { AddressRepository } from './address.repository.ts';
import { addressRoutes } from './address.routes.ts';
import { AddressService } from './address.service.ts';
import { ApiKeyController } from './api-key.controller.ts';
import { ApiKeyRepository } from './api-key.repository.ts';
import { apiKeyRoutes } from './api-key.routes.ts';
import { ApiKeyService } from './api-key.service.ts';
import { attemptCounter } from './attempt.counter.ts';
import { attemptJobs } from './attempt.jobs.ts';
import { createAttemptLimits } from './attempt.limits.ts';
import { AttemptRepository } from './attempt.repository.ts';
import { ManagedUserController } from './managed-user.controller.ts';
import { ManagedUserRepository } from './managed-user.repository.ts';
import { managedUserRoutes } from './managed-user.routes.ts';
import { ManagedUserService } from './managed-user.service.ts';
import { EmailVerificationController } from './email-verification.controller.ts';
import { emailVerificationRoutes } from './email-verification.routes.ts';
import { EmailVerificationService } from './email-verification.service.ts';
import { emailVerificationSubscriptions } from './email-verification.subscriptions.ts';
import { oneTimeTokenJobs } from './one-time-token.jobs.ts';
import { OneTimeTokenRepository } from './one-time-token.repository.ts';
import { PasswordResetController } from './password-reset.controller.ts';
import { passwordResetRoutes } from './password-reset.routes.ts';
import { PasswordResetService } from './password-reset.service.ts';
import { passwordResetSubscriptions } from './password-reset.subscriptions.ts';
import { PasswordController } from './password.controller.ts';
import { PasswordHasher, type PasswordCost } from './password-hasher.ts';
import { passwordRoutes } from './password.routes.ts';
import { PasswordService } from './password.service.ts';
import { PrivacyController } from './privacy.controller.ts';
import { PrivacyRepository } from './privacy.repository.ts';
import { privacyRoutes } from './privacy.routes.ts';
import { PrivacyService, type PersonalData } from './privacy.service.ts';
import { SessionController } from './session.controller.ts';
import { sessionJobs } from './session.jobs.ts';
import { SessionRepository } from './session.repository.ts';
import { sessionRoutes } from './session.routes.ts';
import { SessionService } from './session.service.ts';
import { refreshKeyOf } from './session.ts';
import { TokenVerifier } from './token-verifier.ts';
import { UserController } from './user.controller.ts';
import { UserRepository } from './user.repository.ts';
import { userRoutes } from './user.routes.ts';
import { UserService } from './user.service.ts';
import { userErrorPages } from './users.errors.ts';

export { permissionsOf, roles, type Role } from './roles.ts';

export type UsersDeps = {
  database: Database;
  audit: Audit;
  outbox: Outbox;
  /** Of the modules that are made after this one; asked for when an account is deleted or shown. */
  personalData: () => PersonalData[];
  logger: Logger;
  caches: Caches;
  tokens: { secret: string; accessTtlMs: number; refreshTtlMs: number; refreshGraceMs: number; now: () => number };
  limits: {
    windowMs: number;
    loginMax: number;
    loginAddressMax: number;
    /** Asked before the database of this module. */
    keepers: HitCounter[];
  };
  mail: { mailer: Mailer; verifyEmailTtlMs: number; passwordResetTtlMs: number; storefrontUrl: string | null };
  /** OWASP's unless given: tests may be cheaper. */
  passwordCost?: PasswordCost;
};

export type UsersModule = {
  name: 'users';
  about: string;
  routes: Route[];
  errorPages: Record<string, string>;
  subscriptions: Subscription[];
  jobs: RecurringJob[];
  migrations: MigrationSource;
  verifyToken: VerifyToken;
  service: UserService;
  managedUsers: ManagedUserService;
};

export const usersMigrations: MigrationSource = {
  schema: 'users',
  directory: new URL('./migrations/', import.meta.url),
};

export function createUsers({
  database,
  audit,
  outbox,
  personalData,
  logger,
  caches,
  tokens,
  limits,
  mail,
  passwordCost,
}: UsersDeps): UsersModule {
  const users = new UserRepository();
  const sessions = new SessionRepository();
  const passwords = new PasswordHasher(passwordCost);
  const accessTokens = new AccessTokens({ secret: tokens.secret, ttlMs: tokens.accessTtlMs, now: tokens.now });
  const apiKeys = new ApiKeyRepository();
  const verifier = new TokenVerifier({ database, sessions, apiKeys, accessTokens, caches });
  const refresh = { key: refreshKeyOf(tokens.secret), ttlMs: tokens.refreshTtlMs, graceMs: tokens.refreshGraceMs };
  const managedUsers = new ManagedUserRepository();
  const managedUserService = new ManagedUserService({ database, audit, users, managedUsers, sessions, verifier });
  const userService = new UserService({ database, audit, outbox, users, passwords });
  const addresses = new AddressRepository();
  const addressService = new AddressService({ database, audit, addresses });
  const apiKeyService = new ApiKeyService({ database, audit, apiKeys, verifier });
  const passwordService = new PasswordService({ database, audit, users, sessions, passwords, verifier });
  const privacy = new PrivacyService({
    database,
    audit,
    privacy: new PrivacyRepository(),
    users,
    managedUsers,
    sessions,
    addresses,
    verifier,
    personalData,
  });
  const { mailer, storefrontUrl } = mail;
  const oneTimeTokens = new OneTimeTokenRepository();
  const verification = new EmailVerificationService({
    database,
    audit,
    users,
    tokens: oneTimeTokens,
    mailer,
    ttlMs: mail.verifyEmailTtlMs,
    storefrontUrl,
  });
  const resets = new PasswordResetService({
    database,
    audit,
    outbox,
    users,
    sessions,
    tokens: oneTimeTokens,
    passwords,
    verifier,
    mailer,
    ttlMs: mail.passwordResetTtlMs,
    storefrontUrl,
  });
  const sessionService = new SessionService({
    database,
    audit,
    logger,
    users,
    sessions,
    passwords,
    accessTokens,
    verifier,
    refresh,
  });
  const attempts = new AttemptRepository();
  const counter = new SharedCounter([...limits.keepers, resting(attemptCounter(database, attempts), logger)]);
  const attemptLimits = createAttemptLimits({ ...limits, counter }, refresh.key);
  return {
    name: 'users',
    about: 'Accounts, logins, and who may do what',
    routes: [
      ...userRoutes(new UserController(userService), attemptLimits),
      ...privacyRoutes(new PrivacyController(privacy)),
      ...managedUserRoutes(new ManagedUserController(managedUserService)),
      ...addressRoutes(new AddressController(addressService)),
      ...apiKeyRoutes(new ApiKeyController(apiKeyService)),
      ...passwordRoutes(new PasswordController(passwordService), attemptLimits),
      ...passwordResetRoutes(new PasswordResetController(resets), attemptLimits),
      ...emailVerificationRoutes(new EmailVerificationController(verification), attemptLimits),
      ...sessionRoutes(new SessionController(sessionService), attemptLimits),
    ],
    errorPages: userErrorPages,
    subscriptions: [...emailVerificationSubscriptions(verification), ...passwordResetSubscriptions(resets)],
    jobs: [
      ...sessionJobs(sessionService),
      ...oneTimeTokenJobs(database, oneTimeTokens),
      ...attemptJobs(database, attempts),
    ],
    migrations: usersMigrations,
    verifyToken: verifier.verify,
    service: userService,
    managedUsers: managedUserService,
  };
}
