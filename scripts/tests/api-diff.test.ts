// `npm run api:diff` in a repository of its own: against the last tagged version, a ref, a file.
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

const root = new URL('../..', import.meta.url).pathname;
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'waybill-api-diff-'));
  copyFileSync(join(root, 'openapi.json'), join(folder, 'openapi.json'));
  git('init', '--quiet');
  commit();
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const git = (...args: string[]) => execFileSync('git', args, { cwd: folder, stdio: 'pipe' });
const commit = () => {
  git('add', '--all');
  git('-c', 'user.name=Test', '-c', 'user.email=test@example.com', 'commit', '--quiet', '--allow-empty', '-m', 'State');
};
function edit(change: (text: string) => string): void {
  const file = join(folder, 'openapi.json');
  writeFileSync(file, change(readFileSync(file, 'utf8')));
}
function diff(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(
    join(root, 'node_modules/.bin/tsx'),
    [join(root, 'scripts/api-diff.ts'), ...args],
    { cwd: folder, encoding: 'utf8' },
  );
  return { status, said: `${stdout}${stderr}` };
}

const takeNumberAway = (text: string) => {
  const document = JSON.parse(text) as { components: { schemas: { Order: { properties: Record<string, unknown> } } } };
  delete document.components.schemas.Order.properties['number'];
  return JSON.stringify(document);
};

test('without a tag there is nothing to compare with, and it says so', () => {
  const { status, said } = diff();
  expect([status, said]).toEqual([0, 'No version is tagged yet (v*): there is nothing to compare with.\n']);
});

test('a removed field fails against the newest tagged version', () => {
  edit((text) => text.replace('"summary": "One order"', '"summary": "An order"'));
  commit();
  git('tag', 'v0.9.0');
  edit(takeNumberAway);
  commit();
  git('tag', 'v0.10.0');
  expect(diff()).toMatchObject({
    status: 0,
    said: expect.stringContaining('0 breaking changes against v0.10.0') as string,
  });
  git('tag', '--delete', 'v0.10.0');
  const { status, said } = diff();
  expect(said).toContain('getOrder: 200/data/number is gone\n');
  expect(said).toContain('breaking changes against v0.9.0');
  expect(status).toBe(1);
});

test('against a file, or any ref', () => {
  copyFileSync(join(folder, 'openapi.json'), join(folder, 'before.json'));
  edit(takeNumberAway);
  expect(diff('--against', 'before.json').status).toBe(1);
  expect(diff('--against', 'HEAD').status).toBe(1);
  commit();
  expect(diff('--against', 'HEAD').status).toBe(0);
});

test('a new major version may break, as may a minor one before 1.0', () => {
  const release = (version: string) => (text: string) =>
    text.replace(/"version": ?"[\d.]+"/, `"version": "${version}"`);
  const outcome = (from: string, to: string) => {
    edit(release(from));
    copyFileSync(join(folder, 'openapi.json'), join(folder, 'before.json'));
    edit(takeNumberAway);
    edit(release(to));
    const { status } = diff('--against', 'before.json');
    git('checkout', '--quiet', 'openapi.json');
    return status;
  };
  expect([outcome('1.4.0', '2.0.0'), outcome('0.1.0', '0.2.0')]).toEqual([0, 0]);
  expect([outcome('1.4.0', '1.5.0'), outcome('0.1.0', '0.1.1')]).toEqual([1, 1]);
});
