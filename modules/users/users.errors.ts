// What each error code of this module means, for the page behind a problem's `type`.

export const userErrorPages: Record<string, string> = {
  email_taken:
    'An account with this e-mail address exists already; upper and lower case make no difference. Log in with it, or register another address.',
  password_weak:
    'The password is among the first that an attacker would try: one of the most used, characters in a row, or your e-mail address. Choose another; a few unrelated words make a good one.',
  credentials_invalid:
    'The e-mail address or the password is wrong, or the account is disabled; the answer does not tell which. Check both and try again: a few attempts per quarter of an hour are allowed.',
  refresh_token_invalid:
    'The refresh token is not one of ours, has expired, was already used, or its session has ended. Log in again. A refresh token is good once: keep the one that comes with each answer, since using an old one later ends the session.',
  orders_open:
    'The account has an order that is neither completed, cancelled nor expired, so its address is still needed and nothing was deleted. Cancel the order or wait for its delivery, then delete the account.',
  user_deleted:
    'The owner deleted this account. It stays as an empty row that orders go on naming; nothing of it can change.',
  user_not_found: 'There is no account with this id.',
  last_admin:
    'This account is the only active admin. Were it disabled or given another role, nobody could manage accounts any more. Make somebody else an admin first.',
  address_not_found: 'You keep no address with this id. GET /users/me/addresses lists those you keep.',
  too_many_addresses: 'An account keeps at most 50 addresses. Delete one that is not needed any more.',
  api_key_not_found: 'There is no API key with this id. One that was revoked is still there, with revokedAt.',
  expiry_passed: 'The expiresAt you sent is not in the future, so the key would never have worked. No key was made.',
  session_not_found:
    'You have no open session with this id: it has ended, or it never was one of yours. GET /users/me/sessions lists those that are open.',
  current_password_wrong:
    'currentPassword is not the password of this account, so nothing was changed. A few attempts per quarter of an hour are allowed.',
  verification_token_invalid:
    'The token is not one of ours, was already used, has expired, or a newer one was sent. An address that was verified with it stays verified; nothing else depends on it.',
  reset_token_invalid:
    'The token is not one of ours, was already used, has expired, or a newer one was sent: only the latest mail is good. Ask for another with POST /auth/forgot-password.',
  password_hashing_busy:
    'So many passwords are being checked that yours would have to wait too long. Nothing has happened; try again after the seconds given by Retry-After.',
};
