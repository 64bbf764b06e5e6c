// What modules ask for when they have a mail to send.
import type { Mail } from './message.ts';

/** `send` resolves when the mail is out of our hands, and rejects when it should be tried again; never with the address in the error. */
export type Mailer = {
  /** false: this server sends nobody anything, and says so where it matters. */
  readonly delivers: boolean;
  send(mail: Mail): Promise<void>;
};
