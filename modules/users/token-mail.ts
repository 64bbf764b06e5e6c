// The mails that carry a one-time token: pure. No name in them: whoever registers chooses it, and could write to strangers with it.
import type { Mail } from '../../shared/mail/message.ts';

type Carried = { to: string; token: string; ttlMs: number; storefrontUrl: string | null };

export const verificationMail = ({ to, ...carried }: Carried): Mail => ({
  to,
  subject: 'Verify your e-mail address',
  text: `Somebody, we hope you, opened an account with this e-mail address.

${wayBack('verify the address', '/verify-email', carried)}

If it was not you, do nothing: the address stays unverified.
`,
});

export const passwordResetMail = ({ to, ...carried }: Carried): Mail => ({
  to,
  subject: 'Choose a new password',
  text: `Somebody, we hope you, asked for a new password for the account with this e-mail address.

${wayBack('choose one', '/reset-password', carried)}

It works once, and then ends every session of the account. If it was not you, do nothing: your password stays as it is.
`,
});

/** In the fragment, which browsers send to nobody: the token gets into no access log and no Referer. */
function wayBack(deed: string, page: string, { token, ttlMs, storefrontUrl }: Omit<Carried, 'to'>): string {
  return storefrontUrl === null
    ? `To ${deed}, enter this within ${durationOf(ttlMs)}:\n\n${token}`
    : `To ${deed}, open this within ${durationOf(ttlMs)}:\n\n${storefrontUrl}${page}#token=${token}`;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** Rounded down: a token must not end before its mail says so. */
export function durationOf(ms: number): string {
  if (ms >= 2 * HOUR_MS) return `${Math.floor(ms / HOUR_MS)} hours`;
  return ms >= 2 * MINUTE_MS ? `${Math.floor(ms / MINUTE_MS)} minutes` : 'a minute';
}
