// How mail leaves the house: by SMTP where a server is configured, else into files while developing, else not at all.
import { join } from 'node:path';
import type { Config } from '../config/config.ts';
import type { Logger } from '../logging/logger.ts';
import { createFileMailer } from './file-mailer.ts';
import type { Mailer } from './mailer.ts';
import { createSmtpMailer } from './smtp-mailer.ts';

type Settings = Pick<Config, 'nodeEnv' | 'dataDir' | 'smtpUrl' | 'mailFrom'>;

export function createMailer({ nodeEnv, dataDir, smtpUrl, mailFrom }: Settings, logger: Logger): Mailer {
  if (smtpUrl !== null && mailFrom !== null) return createSmtpMailer({ url: smtpUrl, from: mailFrom });
  if (nodeEnv === 'development' || nodeEnv === 'test') return createFileMailer(join(dataDir, 'mail'));
  logger.warn('SMTP_URL is not set: no mail will be sent');
  return createMuteMailer(logger);
}

/** Nothing to try again: the fact counts as heard, and the log tells that nobody got a mail. */
function createMuteMailer(logger: Logger): Mailer {
  return {
    delivers: false,
    send: async ({ subject }) => logger.warn({ subject }, 'mail not sent: SMTP_URL is not set'),
  };
}
