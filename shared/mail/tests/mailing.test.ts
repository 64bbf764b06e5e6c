// Mails leave the house: into files, to a real SMTP server, or not at all; and nothing in them becomes a header.
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { readableLog, silent } from '../../../tests/support/room-database.ts';
import { createFileMailer } from '../file-mailer.ts';
import { createMailer } from '../create-mailer.ts';
import { createSmtpMailer } from '../smtp-mailer.ts';

const from = { name: 'The Shop, Ltd.', address: 'shop@shop.example' };
const mail = { to: 'ada@example.com', subject: 'Schöne Grüße', text: 'Hello Ada,\n\n.\nyour token: abc=\n' };
const base = { nodeEnv: 'production', dataDir: '/nowhere', smtpUrl: null, mailFrom: null } as const;

const folder = await mkdtemp(join(tmpdir(), 'waybill-mail-'));
afterAll(() => rm(folder, { recursive: true }));
const closers: (() => Promise<void>)[] = [];
afterEach(async () => void (await Promise.all(closers.splice(0).map((close) => close()))));

type Taken = { to: string[]; user: string | undefined; message: string };

/** A real SMTP server that keeps what it is given. */
async function startSmtp(options: SMTPServerOptions = {}) {
  const taken: Taken[] = [];
  const users: string[] = [];
  const server = new SMTPServer({
    authOptional: true,
    disableReverseLookup: true,
    onAuth: ({ username = '', password }, _session, done) => {
      users.push(username);
      if (password === 'p@ss word') done(null, { user: username });
      else done(new Error(`no, ${username}`));
    },
    onData: (stream, { envelope, user }, done) => {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        const to = envelope.rcptTo.map(({ address }) => address);
        taken.push({ to, user: user as string | undefined, message: Buffer.concat(chunks).toString() });
        done();
      });
    },
    ...options,
  });
  server.on('error', () => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => new Promise((resolve) => server.close(resolve)));
  return { port: (server.server.address() as AddressInfo).port, taken, users };
}

const headersOf = (message: string): string[] => (message.split(/\r\n\r\n/, 1)[0] ?? '').split('\r\n');

describe('into files', () => {
  test('one complete mail each, for this account only, readable by any mail program', async () => {
    const directory = join(folder, 'mail');
    const mailer = createMailer({ ...base, nodeEnv: 'development', dataDir: folder }, silent);
    expect(mailer.delivers).toBe(true);
    await Promise.all([mailer.send(mail), mailer.send(mail), mailer.send(mail)]);
    const files = await readdir(directory);
    expect(files).toHaveLength(3);
    for (const file of files) {
      expect(file).toMatch(/^[\da-f-]{36}\.eml$/);
      expect((await stat(join(directory, file))).mode & 0o777).toBe(0o600);
      const message = await readFile(join(directory, file), 'utf8');
      expect(headersOf(message)).toEqual(
        expect.arrayContaining([
          'From: Waybill <waybill@localhost>',
          'To: ada@example.com',
          'Subject: =?UTF-8?Q?Sch=C3=B6ne_Gr=C3=BC=C3=9Fe?=',
          'Auto-Submitted: auto-generated',
          'MIME-Version: 1.0',
          expect.stringMatching(/^Date: \w{3}, /),
          expect.stringMatching(/^Message-ID: <[^>]+>$/),
        ]),
      );
      expect(message).not.toMatch(/[^\r]\n/);
    }
    expect((await stat(directory)).mode & 0o777).toBe(0o700);
  });

  test('a folder that cannot be written to is an error, to be tried again', async () => {
    await expect(createFileMailer('/dev/null/mail').send(mail)).rejects.toThrow('ENOTDIR');
  });
});

describe('by SMTP', () => {
  test('the server gets one mail for one recipient, every line of it', async () => {
    const { port, taken } = await startSmtp({ disabledCommands: ['STARTTLS'] });
    await createMailer({ ...base, smtpUrl: `smtp://127.0.0.1:${port}`, mailFrom: from }, silent).send(mail);
    expect(taken).toEqual([{ to: ['ada@example.com'], user: undefined, message: expect.any(String) }]);
    const message = taken[0]?.message ?? '';
    expect(headersOf(message)).toContain('From: "The Shop, Ltd." <shop@shop.example>');
    expect(message.split('\r\n\r\n', 2)[1]).toContain('Hello Ada,');
    expect(message).toContain('\r\n.\r\nyour token: abc=');
  });

  test('a password travels under TLS', async () => {
    const { port, taken } = await startSmtp();
    const url = `smtp://shop:p%40ss%20word@127.0.0.1:${port}`;
    // The server of the tests signs for itself.
    await createSmtpMailer({ url, from, tls: { rejectUnauthorized: false } }).send(mail);
    expect(taken).toMatchObject([{ user: 'shop' }]);
  });

  test('a password is not told to a server that offers no TLS, nor to one that cannot prove who it is', async () => {
    const plain = await startSmtp({ disabledCommands: ['STARTTLS'], allowInsecureAuth: true });
    const stranger = await startSmtp();
    for (const { port, users, taken } of [plain, stranger]) {
      const mailer = createSmtpMailer({ url: `smtp://shop:p%40ss%20word@127.0.0.1:${port}`, from });
      await expect(mailer.send(mail)).rejects.toThrow('the mail server did not take the mail');
      expect({ users, taken }).toEqual({ users: [], taken: [] });
    }
  });

  const refusals: [string, SMTPServerOptions, RegExp][] = [
    [
      'a recipient it does not know',
      { onRcptTo: ({ address }, _session, done) => done(new Error(`550 who is ${address}?`)) },
      /^EENVELOPE 550$/,
    ],
    [
      'the mail',
      { onData: (stream, _session, done) => void stream.resume().on('end', () => done(new Error('ada@example.com'))) },
      /^EMESSAGE 450$/,
    ],
  ];

  test.each(refusals)(
    'a server that refuses %s is an error with codes, without the address',
    async (_, options, code) => {
      const { port } = await startSmtp({ disabledCommands: ['STARTTLS'], ...options });
      const error: unknown = await createSmtpMailer({ url: `smtp://127.0.0.1:${port}`, from })
        .send(mail)
        .catch((refused: unknown) => refused);
      expect(error).toMatchObject({
        message: 'the mail server did not take the mail',
        code: expect.stringMatching(code),
      });
      expect(String(error) + String((error as Error).stack) + JSON.stringify(error)).not.toContain('ada@');
      expect((error as Error).cause).toBeUndefined();
    },
  );

  test('a server that is not there is an error', async () => {
    const { port } = await startSmtp();
    await Promise.all(closers.splice(0).map((close) => close()));
    const sending = createSmtpMailer({ url: `smtp://127.0.0.1:${port}`, from }).send(mail);
    await expect(sending).rejects.toMatchObject({ code: 'ESOCKET' });
  });

  test.each([
    ['says nothing', () => undefined],
    ['never comes to an end', (say: (text: string) => void) => void setInterval(() => say('220-wait\r\n'), 20).unref()],
  ])('a server that %s is given up', async (_what, talk) => {
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      talk((text) => socket.write(text));
    });
    const port = await listening(server);
    const sending = createSmtpMailer({ url: `smtp://127.0.0.1:${port}`, from, timeoutMs: 300 }).send(mail);
    await expect(sending).rejects.toMatchObject({ code: 'ETIMEDOUT' });
  });
});

describe('where no server is configured', () => {
  test.each(['production', 'staging'] as const)(
    '%s sends nothing, and says so without the address',
    async (nodeEnv) => {
      const { logger, lines } = readableLog();
      const mailer = createMailer({ ...base, nodeEnv }, logger);
      await mailer.send(mail);
      expect(mailer.delivers).toBe(false);
      expect(lines.map(({ level, msg }) => [level, msg])).toEqual([
        ['warn', 'SMTP_URL is not set: no mail will be sent'],
        ['warn', 'mail not sent: SMTP_URL is not set'],
      ]);
      expect(JSON.stringify(lines)).not.toMatch(/ada@|token/);
    },
  );
});

describe('nothing becomes a header or another recipient', () => {
  test.each([
    ['a line break in the address', { to: 'ada@example.com\r\nBcc: eve@example.com' }],
    ['two addresses', { to: 'ada@example.com, eve@example.com' }],
    ['an address with a name', { to: 'Eve <eve@example.com>' }],
    ['CRLF in the subject', { subject: 'Hello\r\nBcc: eve@example.com' }],
    ['LF in the subject', { subject: 'Hello\nBcc: eve@example.com' }],
    ['CR in the subject', { subject: 'Hello\rBcc: eve@example.com' }],
    ['NUL in the subject', { subject: 'Hello\0' }],
    ['a line separator in the subject', { subject: 'Hello\u2028Bcc: eve@example.com' }],
  ])('%s is refused before anything is sent', async (_what, change) => {
    const { port, taken } = await startSmtp({ disabledCommands: ['STARTTLS'] });
    const files = join(folder, 'refused');
    const wrong = { ...mail, ...change };
    const refusal = 'to' in change ? 'Invalid email address' : 'A subject is one line.';
    await expect(createSmtpMailer({ url: `smtp://127.0.0.1:${port}`, from }).send(wrong)).rejects.toThrow(refusal);
    await expect(createFileMailer(files).send(wrong)).rejects.toThrow(refusal);
    expect(taken).toEqual([]);
    await expect(readdir(files)).rejects.toThrow('ENOENT');
  });

  test('a text that looks like headers stays text', async () => {
    const { port, taken } = await startSmtp({ disabledCommands: ['STARTTLS'] });
    const text = 'Bcc: eve@example.com\r\n.\r\nMAIL FROM:<eve@example.com>\r\n';
    await createSmtpMailer({ url: `smtp://127.0.0.1:${port}`, from }).send({ ...mail, text });
    expect(taken).toHaveLength(1);
    expect(taken[0]?.to).toEqual(['ada@example.com']);
    expect(headersOf(taken[0]?.message ?? '').join('\n')).not.toContain('eve@');
  });
});

async function listening(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(async () => void server.close());
  return (server.address() as AddressInfo).port;
}
