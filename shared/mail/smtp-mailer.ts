// Mail by SMTP: the operator's own server or a service's, named by SMTP_URL.
import type { ConnectionOptions } from 'node:tls';
import { createTransport } from 'nodemailer';
import type { Mailbox } from '../config/config.kinds.ts';
import { within } from '../lifecycle/within.ts';
import type { Mailer } from './mailer.ts';
import { messageOf } from './message.ts';

type SmtpOptions = {
  url: string;
  from: Mailbox;
  /** For the whole of one mail; the steps of it have shorter ones. */
  timeoutMs?: number;
  /** For tests; elsewhere NODE_EXTRA_CA_CERTS adds an authority to trust. */
  tls?: ConnectionOptions;
};

/** Well below the lease of a delivery (60 s) and the time for a stop (25 s). */
const TIMEOUT_MS = 15_000;
const STEP_TIMEOUT_MS = 5_000;

export function createSmtpMailer({ url, from, timeoutMs = TIMEOUT_MS, tls = {} }: SmtpOptions): Mailer {
  const stepTimeoutMs = Math.min(STEP_TIMEOUT_MS, timeoutMs);
  const transport = createTransport({
    ...serverOf(url),
    tls,
    dnsTimeout: stepTimeoutMs,
    connectionTimeout: stepTimeoutMs,
    greetingTimeout: stepTimeoutMs,
    socketTimeout: stepTimeoutMs,
  });
  return {
    delivers: true,
    send: async (mail) => {
      const message = messageOf(from, mail);
      await within(timeoutMs, () => transport.sendMail(message)).catch((error: unknown) => {
        throw notSent(error);
      });
    },
  };
}

/** A password never travels in clear: with one, a server that does not offer STARTTLS is refused. */
function serverOf(smtpUrl: string) {
  const { protocol, hostname, port, username, password } = new URL(smtpUrl);
  const secure = protocol === 'smtps:';
  const auth = { user: decodeURIComponent(username), pass: decodeURIComponent(password) };
  return {
    host: hostname.replaceAll(/[[\]]/g, ''),
    port: Number(port || (secure ? 465 : 587)),
    secure,
    ...(username !== '' && { auth, requireTLS: !secure }),
  };
}

/** Codes only: what a mail server says names the recipient, and errors are logged. */
function notSent(error: unknown): Error {
  const { code, responseCode } = error as { code?: unknown; responseCode?: unknown };
  const told = [code, responseCode].filter((one) => typeof one === 'string' || typeof one === 'number').join(' ');
  return Object.assign(new Error('the mail server did not take the mail'), { code: told || 'ETIMEDOUT' });
}
