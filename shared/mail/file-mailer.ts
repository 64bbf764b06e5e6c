// Mail as files, for developing: one .eml each, which any mail program opens.
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createTransport } from 'nodemailer';
import { newId } from '../domain/ids.ts';
import type { Mailer } from './mailer.ts';
import { messageOf } from './message.ts';

const FROM = { name: 'Waybill', address: 'waybill@localhost' };

/** Readable by this account only: a mail holds a person's address and a token. In the order of the names the newest is last. */
export function createFileMailer(directory: string): Mailer {
  const composer = createTransport({ streamTransport: true, buffer: true, newline: 'windows' });
  return {
    delivers: true,
    send: async (mail) => {
      const { message } = await composer.sendMail(messageOf(FROM, mail));
      await mkdir(directory, { recursive: true, mode: 0o700 });
      const path = join(directory, newId());
      // Renamed when complete: who watches the folder never reads half a mail.
      await writeFile(`${path}.part`, message, { mode: 0o600, flag: 'wx' });
      await rename(`${path}.part`, `${path}.eml`);
    },
  };
}
