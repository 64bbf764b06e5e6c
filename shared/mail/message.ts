// A mail as its sender writes it, and as it goes on the wire (RFC 5322): nothing in it can become a header or another recipient.
import type { SendMailOptions } from 'nodemailer';
import { z } from 'zod';
import type { Mailbox } from '../config/config.kinds.ts';

/** Plain text; one recipient. */
export type Mail = { to: string; subject: string; text: string };

/** The door to the wire: whoever calls, a line break in an address or a subject ends here. */
const sendable = z.object({
  to: z.email().max(254),
  subject: z.string().regex(/^[^\p{Cc}\p{Zl}\p{Zp}]{1,200}$/u, { error: 'A subject is one line.' }),
  text: z.string().min(1).max(100_000),
});

export function messageOf(from: Mailbox, mail: Mail): SendMailOptions {
  const { to, subject, text } = sendable.parse(mail);
  return {
    from,
    // An object is taken as one address; a string would be read as a list.
    to: { name: '', address: to },
    subject,
    text,
    // RFC 3834: nobody's holiday reply comes back.
    headers: { 'Auto-Submitted': 'auto-generated' },
    disableFileAccess: true,
    disableUrlAccess: true,
  };
}
