// What the mails with a token say, with and without a shop to link to.
import { expect, test } from 'vitest';
import { durationOf, passwordResetMail, verificationMail } from '../token-mail.ts';

const carried = { to: 'ada@example.com', token: 'abc', ttlMs: 30 * 60_000 };

test.each([
  ['verificationMail', verificationMail, 'https://shop.example/verify-email#token=abc'],
  ['passwordResetMail', passwordResetMail, 'https://shop.example/reset-password#token=abc'],
])('%s carries a link into the shop, or the token alone', (_name, mailOf, link) => {
  const linked = mailOf({ ...carried, storefrontUrl: 'https://shop.example' });
  expect(linked.to).toBe('ada@example.com');
  expect(linked.text.split('\n')).toContain(link);
  expect(linked.text).toContain('within 30 minutes');
  const bare = mailOf({ ...carried, storefrontUrl: null });
  expect(bare.text.split('\n')).toContain('abc');
  expect(bare.text).not.toContain('http');
  expect([linked.subject, bare.subject].join('')).not.toContain('abc');
});

test.each([
  [1_000, 'a minute'],
  [119_999, 'a minute'],
  [120_000, '2 minutes'],
  [1_800_000, '30 minutes'],
  [7_199_999, '119 minutes'],
  [7_200_000, '2 hours'],
  [86_400_000, '24 hours'],
])('%i ms are told as %s, never more than they are', (ms, told) => {
  expect(durationOf(ms)).toBe(told);
});
